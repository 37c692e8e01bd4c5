import { restError } from '../fault.ts'
import { isToOne } from '../schema/schema.ts'
import type { AggregateName } from '../parse/syntax.ts'
import { unknownField } from './fields.ts'
import type { EmbedSelect, ManySpread, ReadNode, SpreadField } from './read-plan.ts'

/** Decides what each level selects of its embeds, from the innermost out. */
export function selectEmbeds(node: ReadNode): void {
  for (const child of node.children) selectEmbeds(child)
  node.embedSelects = node.children.flatMap((child): EmbedSelect[] => {
    if (child.relationship === null) return []
    if (child.spread !== 'none') return [{ kind: 'spread', alias: child.embedAlias, fields: toSpreadFields(child) }]
    const isObject = isToOne(child.relationship)
    return [{ kind: 'json', name: child.alias ?? child.name, alias: child.embedAlias, isObject, isEmpty: isEmptyEmbed(child) }]
  })
}

/** `clients()` filters by the embed, and shows nothing of it. */
function isEmptyEmbed(node: ReadNode): boolean {
  return node.select.length === 0 && node.children.every(isEmptyEmbed)
}

function toSpreadFields(node: ReadNode): SpreadField[] {
  const plain = (name: string): SpreadField => ({ name, aggregate: null, aggregateCast: null, alias: null })
  return [
    ...node.select.map((each) => plain(each.alias ?? each.field.name)),
    ...node.embedSelects.flatMap((each) => (each.kind === 'json' ? [plain(each.name)] : each.fields)),
  ]
}

interface Hoisted {
  embedAlias: string
  name: string
  aggregate: AggregateName
  cast: string | null
  alias: string | null
}

/** Moves aggregates out of to-one spreads up to the level whose rows they are about. */
export function hoistAggregates(node: ReadNode): Hoisted[] {
  const fromChildren = node.children.flatMap(hoistAggregates)
  const isOneSpread = node.spread === 'one'
  if (!isOneSpread) {
    for (const embed of node.embedSelects) {
      if (embed.kind === 'spread') embed.fields = embed.fields.map((field) => applyHoisted(field, embed.alias, fromChildren))
    }
    return []
  }
  const own: Hoisted[] = []
  node.select = node.select.map((each) => {
    if (each.aggregate === null || node.depth === 0) return each
    const { aggregate, aggregateCast: cast, alias } = each
    own.push({ embedAlias: node.embedAlias, name: alias ?? each.field.name, aggregate, cast, alias })
    return { ...each, aggregate: null, aggregateCast: null }
  })
  return [...own, ...fromChildren.map((each) => ({ ...each, embedAlias: node.embedAlias }))]
}

function applyHoisted(field: SpreadField, embedAlias: string, hoisted: Hoisted[]): SpreadField {
  const found = hoisted.find((each) => each.embedAlias === embedAlias && each.name === field.name)
  return found === undefined ? field : { ...field, aggregate: found.aggregate, aggregateCast: found.cast, alias: found.alias }
}

/** Moves the order of a to-many spread to where its columns are gathered, selecting what it orders by. */
export function spreadManyOrders(node: ReadNode): void {
  if (typeof node.spread !== 'object') return
  const isAggregated =
    node.select.some((each) => each.aggregate !== null) ||
    node.embedSelects.some((each) => each.kind === 'spread' && each.fields.some((field) => field.aggregate !== null))
  if (isAggregated) {
    throw restError('rest.query_invalid', 'Feature not implemented', {
      pgrst: 'PGRST127',
      status: 400,
      details: 'Aggregates are not implemented for one-to-many or many-to-many spreads.',
    })
  }
  const spread: ManySpread = { extraSelect: [], order: [] }
  for (const [index, term] of node.order.entries()) {
    const alias = `${node.embedAlias}_${term.field.name}_${index + 1}`
    const field = term.relation === null ? term.field : unknownField(term.field.name, term.field.path)
    spread.extraSelect.push({ relation: term.relation, select: { field, aggregate: null, aggregateCast: null, cast: null, alias } })
    spread.order.push({ ...term, relation: null, field: unknownField(alias) })
  }
  node.spread = spread
  node.order = []
}
