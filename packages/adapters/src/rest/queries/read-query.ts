import type { EmbedSelect, PlannedSelect, ReadNode } from '../plan/read-plan.ts'
import { unknownField } from '../plan/fields.ts'
import type { QualifiedName } from '../schema/schema.ts'
import { applyAggregate, conditionOf, embedIsNull, fieldOf, joinCondition, orderBy, selectItem, withAlias } from './conditions.ts'
import { NOTHING, type Sql, columnOf, identifier, join, parameter, qualified, sql } from './sql-text.ts'

const COMMA = sql`, `
const AND = sql` AND `
const ALL: PlannedSelect = { field: unknownField('*'), aggregate: null, aggregateCast: null, cast: null, alias: null }

/** The rows of a node with its embeds. `isCompared` when a level may be grouped, for which embedded JSON has to be comparable. */
export function readQuery(node: ReadNode, isCompared = hasAggregates(node)): Sql {
  const table = sourceOf(node)
  const own = node.select.length === 0 && node.children.length === 0 ? [ALL] : node.select
  const isGrouped = isAggregated(node)
  const extra = typeof node.spread === 'object' ? node.spread.extraSelect : []
  const items = [
    ...own.map((each) => selectItem(table, each)),
    ...extra.map(({ relation, select }) => selectItem(relation === null ? table : { schema: '', name: relation }, select)),
    ...node.embedSelects.flatMap((each) => embedItems(each, isCompared)),
  ]
  const conditions = [...node.where.map((each) => conditionOf(table, each, embedIsNull)), ...node.joins.map(joinCondition)]
  const where = conditions.length === 0 ? NOTHING : sql` WHERE ${join(conditions, AND)}`
  const embeds = join(
    node.embedSelects.map((each) => embedJoin(each, node, isCompared)),
    NOTHING,
  )
  return sql`SELECT ${join(items, COMMA)}${from(node)}${embeds}${where}${groupBy(node, table, isGrouped)}${orderBy(table, node.order)}${limit(node)}`
}

/** The rows of a node for counting: its conditions, and inner embeds as EXISTS. */
export function countQuery(node: ReadNode): Sql {
  const table = sourceOf(node)
  const isNullEmbed = (alias: string, isNegated: boolean): Sql => {
    const child = node.children.find((each) => each.embedAlias === alias)
    if (child === undefined) return sql`TRUE`
    return isNegated ? sql`EXISTS (${countQuery(child)})` : sql`NOT EXISTS (${countQuery(child)})`
  }
  const conditions = [
    ...node.where.map((each) => conditionOf(table, each, isNullEmbed)),
    ...node.joins.map(joinCondition),
    ...node.children.filter((child) => child.join === 'inner').map((child) => sql`EXISTS (${countQuery(child)})`),
  ]
  return sql`SELECT 1${from(node)}${conditions.length === 0 ? NOTHING : sql` WHERE ${join(conditions, AND)}`}`
}

function sourceOf(node: ReadNode): QualifiedName {
  if (node.relationship?.kind === 'computed') return { schema: '', name: node.tableAlias ?? node.relationship.function.name }
  return node.tableAlias === null ? node.table : { schema: '', name: node.tableAlias }
}

function from(node: ReadNode): Sql {
  const { relationship } = node
  const alias = node.tableAlias === null ? NOTHING : sql` AS ${identifier(node.tableAlias)}`
  if (relationship?.kind === 'computed') {
    // The cast picks the function when there are several of its name.
    const argument = sql`${identifier(node.relationshipSource?.name ?? '')}::${qualified(relationship.table)}`
    return sql` FROM ${qualified(relationship.function)}(${argument})${alias}`
  }
  const isJunction = relationship?.kind === 'detected' && relationship.cardinality.kind === 'many_to_many'
  const junction =
    isJunction && relationship.cardinality.kind === 'many_to_many' ? sql`, ${qualified(relationship.cardinality.junction)}` : NOTHING
  return sql` FROM ${qualified(node.table)}${alias}${junction}`
}

function isAggregated(node: ReadNode): boolean {
  if (node.select.some((each) => each.aggregate !== null)) return true
  return node.embedSelects.some((each) => each.kind === 'spread' && each.fields.some((field) => field.aggregate !== null))
}

function hasAggregates(node: ReadNode): boolean {
  return isAggregated(node) || node.children.some(hasAggregates)
}

function embedItems(embed: EmbedSelect, isCompared: boolean): Sql[] {
  const alias = identifier(embed.alias)
  if (embed.kind === 'spread') {
    return embed.fields.map((field) =>
      withAlias(applyAggregate(spreadColumn(embed.alias, field.name), field.aggregate, field.aggregateCast), field.alias),
    )
  }
  if (embed.isEmpty) return []
  // JSON is passed on as Postgres wrote it; only GROUP BY needs a type that can be compared.
  const value = embed.isObject ? sql`row_to_json(${alias}.*)` : sql`COALESCE(${alias}.${alias}, '[]')`
  return [withAlias(isCompared ? sql`${value}::jsonb` : value, embed.name)]
}

function spreadColumn(alias: string, name: string): Sql {
  return columnOf({ schema: '', name: alias }, name)
}

function embedJoin(embed: EmbedSelect, node: ReadNode, isCompared: boolean): Sql {
  const child = node.children.find((each) => each.embedAlias === embed.alias)
  if (child === undefined) return NOTHING
  const alias = identifier(embed.alias)
  const isInner = child.join === 'inner'
  const kind = isInner ? sql` INNER JOIN LATERAL ` : sql` LEFT JOIN LATERAL `
  const rows = readQuery(child, isCompared)
  const isSingle = embed.kind === 'json' ? embed.isObject : typeof child.spread !== 'object'
  if (isSingle) return sql`${kind}(${rows}) AS ${alias} ON TRUE`
  const order = typeof child.spread === 'object' ? orderBy({ schema: '', name: embed.alias }, child.spread.order) : NOTHING
  const gathered = embed.kind === 'json' ? [] : embed.fields.map((field) => gather(embed.alias, field.name, field.alias, order))
  const aggregate = join([sql`json_agg(${alias}) AS ${alias}`, ...gathered], COMMA)
  return sql`${kind}(SELECT ${aggregate} FROM (${rows}) AS ${alias}) AS ${alias} ON ${isInner ? sql`${alias} IS NOT NULL` : sql`TRUE`}`
}

function gather(alias: string, name: string, as: string | null, order: Sql): Sql {
  return sql`COALESCE(json_agg(${spreadColumn(alias, name)}${order}), '[]') AS ${identifier(as ?? name)}`
}

function groupBy(node: ReadNode, table: QualifiedName, isGrouped: boolean): Sql {
  if (!isGrouped) return NOTHING
  const terms = [
    ...node.select
      .filter((each) => each.aggregate === null)
      .map((each) => (each.alias === null ? fieldOf(table, each.field) : identifier(each.alias))),
    ...node.embedSelects.flatMap((each) => {
      if (each.kind === 'json') return [identifier(each.name)]
      return each.fields.filter((field) => field.aggregate === null).map((field) => spreadColumn(each.alias, field.alias ?? field.name))
    }),
  ]
  return terms.length === 0 ? NOTHING : sql` GROUP BY ${join(terms, COMMA)}`
}

function limit(node: ReadNode): Sql {
  if (node.range === null) return NOTHING
  const { params: range, isRoot, hasOffset } = node.range
  const most = sql` LIMIT ${parameter({ kind: 'limit', range, isRoot })}`
  // With an unknown offset Postgres plans anew at every execution.
  return hasOffset ? sql`${most} OFFSET ${parameter({ kind: 'offset', range, isRoot })}` : most
}
