import { queryInvalid } from '../fault.ts'
import { columnList, treePath } from './fields.ts'
import { comparison, logicPath, logicTree } from './filters.ts'
import { orderList } from './order.ts'
import { type Parser, run } from './parsec.ts'
import type { QueryPair, QueryShape } from './query-shape.ts'
import { plainItem, selectList } from './select.ts'
import type { Filter, LogicTree, OrderTerm, SelectItem } from './syntax.ts'

/** Something of the query string, and the path of the embed that it is for. */
export interface AtPath<T> {
  path: string[]
  value: T
}

/** Limit and offset of one embed: where their numbers are, or the text when it is not a plain number. */
export interface RangeParams {
  limit: { slot: number } | { text: string } | null
  offset: { slot: number } | { text: string } | null
}

/** What a query string says, by meaning. */
export interface QueryParams {
  select: SelectItem[]
  filters: AtPath<Filter>[]
  /** Names of the filters' parameters as they were sent, for PUT. */
  filterKeys: Set<string>
  logic: AtPath<LogicTree>[]
  order: AtPath<OrderTerm[]>[]
  ranges: AtPath<RangeParams>[]
  columns: string[] | null
  onConflict: string[] | null
  /** A function's arguments, in order; a variadic one may be there more than once. */
  arguments: { name: string; slot: number }[]
}

/** Reads the pairs of a query string. Throws PGRST100 for what does not parse. */
export function parseQueryParams(shape: QueryShape): QueryParams {
  const params: QueryParams = {
    select: parseSelect(find(shape, 'select') ?? '*'),
    filters: [],
    filterKeys: new Set(),
    logic: [],
    order: [],
    ranges: [],
    columns: null,
    onConflict: null,
    arguments: [],
  }
  requireFew(params.select)
  for (const pair of shape.pairs) readPair(params, pair)
  const columns = find(shape, 'columns')
  if (columns !== undefined) params.columns = [...new Set(parse(columnList, 'columns parameter', columns))]
  const onConflict = find(shape, 'on_conflict')
  if (onConflict !== undefined) params.onConflict = parse(columnList, 'on_conflict parameter', onConflict)
  return params
}

/** The elements of an `in.(…)` value. Throws PGRST100 when it is no list. */
export function parseList(value: string, prefix: string): string[] {
  const items = readPlainList(value)
  if (items !== undefined) return items
  const whole = prefix + value
  const result = run(comparison, `failed to parse filter (${whole})`, whole)
  if ('failure' in result) throw queryInvalid(result.failure.message, result.failure.details)
  const { operation } = result.value
  return operation.kind === 'in' && 'items' in operation.value ? operation.value.items : []
}

function readPlainList(value: string): string[] | undefined {
  if (!value.startsWith('(') || !value.endsWith(')') || value.includes('"') || value.indexOf(')') !== value.length - 1) return undefined
  return value.slice(1, -1).trimStart().split(',')
}

function readPair(params: QueryParams, pair: QueryPair): void {
  if (pair.kind === 'argument') {
    params.arguments.push({ name: readTreePath(pair.key).field.name, slot: pair.slot })
    return
  }
  if (pair.kind === 'filter') {
    const { path, field } = readTreePath(pair.key)
    params.filterKeys.add(pair.key)
    params.filters.push({ path, value: { field, comparison: { isNegated: pair.isNegated, operation: pair.operation } } })
    return
  }
  const last = pair.key.slice(pair.key.lastIndexOf('.') + 1)
  if (last === 'limit' || last === 'offset') {
    const { path } = readTreePath(pair.key)
    const place = path.join('.')
    let range = params.ranges.find((each) => each.path.join('.') === place)
    if (range === undefined) {
      range = { path, value: { limit: null, offset: null } }
      params.ranges.push(range)
    }
    range.value[last] = pair.kind === 'number' ? { slot: pair.slot } : { text: pair.value }
    return
  }
  if (pair.kind === 'logic') {
    const { path, operator } = parse(logicPath, 'logic path', pair.key)
    params.logic.push({ path, value: parseTree(operator, pair) })
    return
  }
  if (pair.kind === 'number' || ['select', 'columns', 'on_conflict'].includes(pair.key)) return
  if (last === 'order') {
    const { path } = readTreePath(pair.key)
    params.order.push({ path, value: parse(orderList, 'order', pair.value) })
  } else readComparison(params, pair)
}

function parseTree(operator: string, { value, masked }: Extract<QueryPair, { kind: 'logic' }>): LogicTree {
  requireShallow(masked)
  const result = run(logicTree, '', operator + masked)
  // What fails is told of the tree as it was sent.
  return 'value' in result ? result.value : parse(logicTree, 'logic tree', operator + value, value)
}

function readComparison(params: QueryParams, pair: Extract<QueryPair, { kind: 'structure' }>): void {
  const { path, field } = readTreePath(pair.key)
  params.filterKeys.add(pair.key)
  params.filters.push({ path, value: { field, comparison: parse(comparison, 'filter', pair.value) } })
}

function readTreePath(key: string): { path: string[]; field: Filter['field'] } {
  return parse(treePath, 'tree path', key)
}

function find(shape: QueryShape, key: string): string | undefined {
  const pair = shape.pairs.find((each) => each.key === key)
  return pair?.kind === 'structure' ? pair.value : undefined
}

const PLAIN_COLUMNS = /^(?:\*|[A-Za-z_][A-Za-z0-9_]*)(?:,(?:\*|[A-Za-z_][A-Za-z0-9_]*))*$/

function parseSelect(source: string): SelectItem[] {
  if (!PLAIN_COLUMNS.test(source)) return parse(selectList, 'select parameter', source)
  // Most are plain lists, which need no grammar.
  return source.split(',').map((name) => plainItem(name))
}

// Postgres takes 1664 columns.
const MOST_ITEMS = 1600

function requireFew(items: SelectItem[]): void {
  if (items.length > MOST_ITEMS) throw queryInvalid('The query selects too many columns', `${MOST_ITEMS} columns can be selected.`)
  for (const item of items) if (item.kind === 'relation') requireFew(item.items)
}

const DEEPEST = 64

/** Parsers, planner and Postgres recurse with every parenthesis. */
function requireShallow(source: string): void {
  let depth = 0
  for (const char of source) {
    if (char === '(') depth += 1
    else if (char === ')') depth -= 1
    if (depth > DEEPEST) throw queryInvalid('The query is too deeply nested', `Parentheses can be nested ${DEEPEST} deep.`)
  }
}

function parse<T>(parser: Parser<T>, what: string, source: string, shown = source): T {
  requireShallow(source)
  const result = run(parser, `failed to parse ${what} (${shown})`, source)
  if ('failure' in result) throw queryInvalid(result.failure.message, result.failure.details)
  return result.value
}
