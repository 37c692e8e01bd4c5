import type { Payload } from './parse/body.ts'
import { type RangeParams, parseList } from './parse/query-params.ts'
import { type RowRange, restrictRange, toRange } from './parse/range.ts'
import { toArrayLiteral, toListLiteral } from './queries/conditions.ts'
import type { ParameterSource } from './queries/sql-text.ts'

/** The values of one request, for the places that its prepared statement has for them. */
export interface RequestValues {
  slots: readonly string[]
  payload: Payload | null
  /** The top level's range, from header and parameters. */
  range: RowRange
  maxRows: number | null
}

/** The statement's values in order, in Postgres' text format. Throws PGRST100 for a list that is none. */
export function bind(parameters: readonly ParameterSource[], values: RequestValues): (string | null)[] {
  return parameters.map((parameter) => valueOf(parameter, values))
}

function valueOf(parameter: ParameterSource, values: RequestValues): string | null {
  switch (parameter.kind) {
    case 'text':
      return parameter.text
    case 'slot': {
      const text = values.slots[parameter.slot] ?? ''
      if (parameter.form === 'text') return text
      return parameter.form === 'pattern' ? text.replaceAll('*', '%') : toListLiteral(parseList(text, parameter.prefix))
    }
    case 'limit': {
      const { lower, upper } = rangeOf(parameter, values)
      return upper === null ? null : String(Math.max(0, upper - lower + 1))
    }
    case 'offset':
      return String(rangeOf(parameter, values).lower)
    case 'body':
      return bodyText(values.payload)
    case 'array':
      return toArrayLiteral(parameter.slots.map((slot) => values.slots[slot] ?? ''))
    case 'arguments':
      return JSON.stringify(Object.fromEntries(parameter.entries.map(({ name, slot }) => [name, values.slots[slot] ?? ''])))
  }
}

function rangeOf({ range, isRoot }: { range: RangeParams | null; isRoot: boolean }, values: RequestValues): RowRange {
  return restrictRange(isRoot ? values.range : readRange(range, values.slots), values.maxRows)
}

/** The range that an embed's parameters ask for. */
export function readRange(params: RangeParams | null, slots: readonly string[]): RowRange {
  const textOf = (place: RangeParams['limit']) => (place === null ? undefined : 'slot' in place ? slots[place.slot] : place.text)
  return params === null ? { lower: 0, upper: null } : toRange(textOf(params.limit), textOf(params.offset))
}

function bodyText(payload: Payload | null): string | null {
  if (payload === null || payload.kind === 'form') return null
  return payload.text
}
