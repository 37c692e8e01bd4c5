import { aggregatesRefused, notEmbedded, restError } from '../fault.ts'
import { type ApiRequest, isMutation } from '../parse/api-request.ts'
import type { SelectItem } from '../parse/syntax.ts'
import { type ApiSchema, type QualifiedName, isToOne, nameKey } from '../schema/schema.ts'
import { hoistAggregates, selectEmbeds, spreadManyOrders } from './embed-selects.ts'
import { columnField, outputField, planFilter, planLogic, resolveField, unknownField } from './fields.ts'
import { type PlannedCondition, type PlannedSelect, type ReadNode, SOURCE } from './read-plan.ts'
import { getRelationship, toJoinConditions } from './relationships.ts'

export interface ReadPlanOptions {
  maxRows: number | null
  areAggregatesAllowed: boolean
}

/** Plans what is read of a table, or of the rows that a write or call gave. Throws PGRST108, 118, 123, 127, 200, 201. */
export function buildReadPlan(schema: ApiSchema, table: QualifiedName, request: ApiRequest, options: ReadPlanOptions): ReadNode {
  const root = makeTree(schema, table, request.query.select)
  placeFilters(schema, root, request)
  placeOrders(schema, root, request)
  placeRanges(root, request, options.maxRows)
  placeLogic(schema, root, request)
  relate(schema, table.schema, root, null, request.action.kind !== 'read')
  expandStars(schema, table, root, false)
  visit(root, nameSelects)
  visit(root, resolveRelatedOrders)
  visit(root, resolveNullEmbeds)
  selectEmbeds(root)
  if (!options.areAggregatesAllowed) visit(root, refuseAggregates)
  hoistAggregates(root)
  visit(root, spreadManyOrders)
  return root
}

function visit(node: ReadNode, work: (node: ReadNode) => void): void {
  work(node)
  for (const child of node.children) visit(child, work)
}

function makeNode(table: QualifiedName, depth: number): ReadNode {
  return {
    select: [],
    table,
    tableAlias: null,
    where: [],
    order: [],
    range: null,
    name: table.name,
    alias: null,
    hint: null,
    join: null,
    relationship: null,
    relationshipSource: null,
    joins: [],
    embedAlias: '',
    spread: 'none',
    embedSelects: [],
    children: [],
    depth,
  }
}

function makeTree(schema: ApiSchema, table: QualifiedName, items: SelectItem[], depth = 0): ReadNode {
  const node = makeNode(table, depth)
  for (const item of items) {
    if (item.kind === 'field') {
      const { aggregate, aggregateCast, cast, alias } = item
      node.select.push({ field: outputField(schema, resolveField(schema, table, item.field)), aggregate, aggregateCast, cast, alias })
    } else {
      const child = makeTree(schema, { schema: table.schema, name: item.name }, item.items, depth + 1)
      node.children.push(
        Object.assign(child, { alias: item.alias, hint: item.hint, join: item.join, spread: item.isSpread ? 'one' : 'none' }),
      )
    }
  }
  return node
}

function findNode(root: ReadNode, path: readonly string[]): ReadNode {
  let node = root
  for (const name of path) {
    const child = node.children.find((each) => each.name === name || each.alias === name)
    if (child === undefined) throw notEmbedded(name)
    node = child
  }
  return node
}

function placeFilters(schema: ApiSchema, root: ReadNode, request: ApiRequest): void {
  for (const { path, value } of request.query.filters) {
    // A write's own filters choose what is written; they have no say in what is read of it.
    if (path.length === 0 && isMutation(request.action)) continue
    const node = findNode(root, path)
    node.where.push(planFilter(schema, node.table, value.field, value.comparison))
  }
}

function placeLogic(schema: ApiSchema, root: ReadNode, request: ApiRequest): void {
  for (const { path, value } of request.query.logic) {
    if (path.length === 0 && isMutation(request.action)) continue
    const node = findNode(root, path)
    node.where.push(planLogic(schema, node.table, value))
  }
}

function placeOrders(schema: ApiSchema, root: ReadNode, request: ApiRequest): void {
  for (const { path, value } of request.query.order) {
    const node = findNode(root, path)
    node.order = value.map(({ relation, field, direction, nulls }) => ({
      field: relation === null ? resolveField(schema, node.table, field) : unknownField(field.name, field.path),
      relation,
      direction,
      nulls,
    }))
  }
}

function placeRanges(root: ReadNode, request: ApiRequest, maxRows: number | null): void {
  if (isMutation(request.action)) return
  const { hasRangeHeader } = request
  if (hasRangeHeader) root.range = { params: null, isRoot: true, hasOffset: true }
  for (const { path, value } of request.query.ranges) {
    const isRoot = path.length === 0
    findNode(root, path).range = { params: value, isRoot, hasOffset: value.offset !== null || (isRoot && hasRangeHeader) }
  }
  if (maxRows !== null) visit(root, (node) => (node.range ??= { params: null, isRoot: node.depth === 0, hasOffset: false }))
}

function relate(schema: ApiSchema, namespace: string, node: ReadNode, parent: ReadNode | null, isFromSource: boolean): void {
  if (parent === null) {
    if (isFromSource) Object.assign(node, { tableAlias: node.table.name, table: SOURCE })
  } else {
    // Rows of a write or call stand under an alias that is the table's own name, so that its relationships are found.
    const origin = node.depth === 1 ? (parent.tableAlias ?? parent.table.name) : parent.table.name
    const relationship = getRelationship(schema, namespace, origin, node.name, node.hint)
    const isJunction = relationship.kind === 'detected' && relationship.cardinality.kind === 'many_to_many'
    const alias = isJunction ? null : `${relationship.foreign.name}_${node.depth}`
    node.relationship = relationship
    node.table = relationship.foreign
    node.tableAlias = alias
    node.embedAlias = `${relationship.table.name}_${node.alias ?? node.name}_${node.depth}`
    node.joins = toJoinConditions(relationship, alias, parent.tableAlias)
    node.relationshipSource = parent.tableAlias === null ? relationship.table : { schema: '', name: parent.tableAlias }
    if (node.spread === 'one' && !isToOne(relationship)) node.spread = { extraSelect: [], order: [] }
  }
  for (const child of node.children) relate(schema, namespace, child, node, isFromSource)
}

/** Writes `*` out as columns where it would mean too much: with aggregates, to-many spreads, and columns that need a cast. */
function expandStars(schema: ApiSchema, root: QualifiedName, node: ReadNode, isAggregated: boolean): void {
  const isNowAggregated = isAggregated || node.select.some((each) => each.aggregate !== null) || typeof node.spread === 'object'
  const table = node.table === SOURCE ? root : node.table
  const columns = [...(schema.tables.get(nameKey(table))?.columns.values() ?? [])]
  const isRepresented = columns.some((column) => schema.representations.has(`${column.nominalType}\u0000json`))
  if (isNowAggregated || isRepresented) {
    const isSpread = node.spread !== 'none'
    node.select = node.select.flatMap((each): PlannedSelect[] => {
      if (each.field.name !== '*' || each.field.path.length > 0) return [each]
      if (each.aggregate === null) return columns.map((column) => ({ ...each, field: outputField(schema, columnField(column)) }))
      return isSpread && each.aggregate === 'count' ? [{ ...each, field: { ...each.field, isFullRow: true } }] : [each]
    })
  }
  for (const child of node.children) expandStars(schema, root, child, isNowAggregated)
}

function nameSelects(node: ReadNode): void {
  node.select = node.select.map((each) => {
    if (each.alias !== null) return each
    if (each.aggregate !== null) return node.spread === 'none' ? each : { ...each, alias: each.aggregate }
    if (each.field.path.length > 0) {
      // `data->1->key->>2` is shown as "key", `data->3` as "data".
      const key = each.field.path.findLast((step) => !step.isIndex)?.key
      return { ...each, alias: key ?? each.field.name }
    }
    return each.field.transform === null ? each : { ...each, alias: each.field.name }
  })
}

function resolveRelatedOrders(node: ReadNode): void {
  for (const term of node.order) {
    if (term.relation === null) continue
    const wanted = term.relation
    const child = node.children.find((each) => (each.alias ?? each.name) === wanted)
    if (child?.relationship == null) throw notEmbedded(wanted)
    if (!isToOne(child.relationship)) {
      const target = child.alias ?? child.name
      throw restError('rest.query_invalid', `A related order on '${target}' is not possible`, {
        pgrst: 'PGRST118',
        status: 400,
        details: `'${node.table.name}' and '${target}' do not form a many-to-one or one-to-one relationship`,
      })
    }
    term.relation = child.embedAlias
  }
}

function resolveNullEmbeds(node: ReadNode): void {
  node.where = node.where.map((condition) => resolveNullEmbed(node, condition))
}

function resolveNullEmbed(node: ReadNode, condition: PlannedCondition): PlannedCondition {
  if (condition.kind === 'group') return { ...condition, members: condition.members.map((member) => resolveNullEmbed(node, member)) }
  if (condition.kind !== 'filter' || condition.field.path.length > 0) return condition
  const { operation, isNegated } = condition.comparison
  if (operation.kind !== 'is' || operation.value !== 'null') return condition
  const child = node.children.find((each) => (each.alias ?? each.name) === condition.field.name)
  return child === undefined ? condition : { kind: 'null_embed', isNegated, alias: child.embedAlias }
}

function refuseAggregates(node: ReadNode): void {
  if (node.select.some((each) => each.aggregate !== null)) throw aggregatesRefused()
}
