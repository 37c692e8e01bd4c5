import type { Operand, Operation, QuantifiedOperator, SimpleOperator, TextSearchOperator } from './syntax.ts'

/** One parameter of a query string: its key, and its value either as part of the shape or taken out into a slot. */
export type QueryPair =
  | { kind: 'structure'; key: string; value: string }
  | { kind: 'filter'; key: string; isNegated: boolean; operation: Operation }
  /** An `and` or `or` tree; `masked` has marks of slots where its simple values are. */
  | { kind: 'logic'; key: string; value: string; masked: string }
  | { kind: 'number'; key: string; slot: number }
  | { kind: 'argument'; key: string; slot: number }

/**
 * A query string, parted into what decides the SQL and the values that only travel along: `id=eq.5` and `id=eq.6` have one key.
 * The parsers and the planner see only the pairs, so that no value can reach the text of a statement.
 */
export interface QueryShape {
  key: string
  pairs: QueryPair[]
  values: string[]
  /** False when the text could make two shapes look alike. */
  isCacheable: boolean
}

const OPERATOR =
  /^(not\.)?(?:(neq|cs|cd|ov|sl|sr|nxr|nxl|adj)\.|(eq|gte|gt|lte|lt|like|ilike|match|imatch)(?:\((any|all)\))?\.|(isdistinct)\.|(in)\.|(fts|plfts|phfts|wfts)(?:\(([\p{L}0-9_ $]+)\))?\.)/u
const SAFE_NUMBER = /^\d{1,15}$/
const STRUCTURAL_KEYS = new Set(['select', 'columns', 'on_conflict'])
const LONGEST_CACHEABLE = 4096
const PART = '\u0000'

/** Parts a raw query string; `isCall` when parameters without an operator are a function's arguments. */
export function readQueryShape(query: string, isCall: boolean): QueryShape {
  const pairs: QueryPair[] = []
  const values: string[] = []
  let key = ''
  let isCacheable = query.length <= LONGEST_CACHEABLE
  if (query !== '') {
    for (const raw of query.split('&')) {
      const separator = raw.indexOf('=')
      // A key without `=` has no value, and so no meaning.
      if (separator === -1) continue
      const name = decodeQueryText(raw.slice(0, separator))
      const value = decodeQueryText(raw.slice(separator + 1))
      const pair = readPair(name, value, isCall, values)
      pairs.push(pair)
      const part = shapeOf(pair, value)
      if (name.includes(PART) || part.includes(PART)) isCacheable = false
      key += PART + name + PART + part
    }
  }
  return { key, pairs, values, isCacheable }
}

function readPair(key: string, value: string, isCall: boolean, values: string[]): QueryPair {
  if (STRUCTURAL_KEYS.has(key)) return { kind: 'structure', key, value }
  const last = key.slice(key.lastIndexOf('.') + 1)
  if (last === 'order') return { kind: 'structure', key, value }
  if (last === 'and' || last === 'or') return { kind: 'logic', key, value, masked: maskTree(value, values) }
  if (last === 'limit' || last === 'offset') {
    if (!SAFE_NUMBER.test(value)) return { kind: 'structure', key, value }
    return { kind: 'number', key, slot: values.push(value) - 1 }
  }
  const match = OPERATOR.exec(value)
  if (match === null) {
    // What begins like a comparison is one, even when it is wrong: the parser says how.
    if (!isCall || /^(?:not|is)\./.test(value)) return { kind: 'structure', key, value }
    return { kind: 'argument', key, slot: values.push(value) - 1 }
  }
  const slot = { slot: values.push(value.slice(match[0].length)) - 1 }
  return { kind: 'filter', key, isNegated: match[1] !== undefined, operation: toOperation(match, slot) }
}

// Half of a surrogate pair, which no decoded text has.
const MARK = '\ud800'
const MARKED = /^\ud800(\d+)\ud800$/
const SIMPLE_LEAF = /([^.,()"\s]\.(?:not\.)?(?:eq|neq|gte|gt|lte|lt|like|ilike|match|imatch)\.)([^,()"{}]*)(?=[,)])/g

/** Takes plain values out of a logic tree. What has quotes, braces or lists in it is left whole: commas there part nothing. */
function maskTree(tree: string, values: string[]): string {
  if (/["{}\\]|in\.\s*\(/.test(tree)) return tree
  return tree.replaceAll(SIMPLE_LEAF, (_, start: string, value: string) => `${start}${MARK}${values.push(value) - 1}${MARK}`)
}

/** A value of a masked tree: the slot that a mark stands for, or the text that it is. */
export function toMaskedOperand(text: string): Operand {
  const mark = MARKED.exec(text)
  return mark === null ? { text } : { slot: Number(mark[1]) }
}

function toOperation(match: RegExpExecArray, value: Operand): Operation {
  const [, , simple, quantified, quantifier, distinct, list, search, language] = match
  if (simple !== undefined) return { kind: 'simple', operator: simple as SimpleOperator, value }
  if (quantified !== undefined) {
    return {
      kind: 'quantified',
      operator: quantified as QuantifiedOperator,
      quantifier: (quantifier as 'any' | 'all' | undefined) ?? null,
      value,
    }
  }
  if (distinct !== undefined) return { kind: 'isdistinct', value }
  if (list !== undefined) return { kind: 'in', value }
  return { kind: 'fts', operator: search as TextSearchOperator, language: language === undefined ? null : language.trim(), value }
}

function shapeOf(pair: QueryPair, value: string): string {
  switch (pair.kind) {
    case 'structure':
      return `=${value}`
    case 'logic':
      return `&${pair.masked}`
    case 'filter':
      return `~${value.slice(0, (OPERATOR.exec(value)?.[0] ?? '').length)}`
    case 'number':
      return '#'
    case 'argument':
      return '@'
  }
}

/** Decodes a part of a query string as forms do; never throws: what is no UTF-8 becomes the replacement character. */
export function decodeQueryText(raw: string): string {
  if (!raw.includes('%') && !raw.includes('+') && isAscii(raw)) return raw
  const spaced = raw.replaceAll('+', ' ')
  try {
    if (isAscii(spaced)) return decodeURIComponent(spaced)
  } catch {
    // Falls through to the lenient reading.
  }
  const bytes: number[] = []
  const source = Buffer.from(spaced, 'latin1')
  for (let index = 0; index < source.length; index += 1) {
    const hex = source.toString('latin1', index + 1, index + 3)
    if (source[index] === 0x25 && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      index += 2
    } else bytes.push(source[index] ?? 0)
  }
  return Buffer.from(bytes).toString('utf8')
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false
  return true
}
