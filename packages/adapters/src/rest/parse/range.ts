import { rangeUnsatisfiable } from '../fault.ts'

/** Rows asked for: from `lower`, up to and with `upper` if there is one. `limit=0` is 0 to -1. */
export interface RowRange {
  lower: number
  upper: number | null
}

export const ALL_ROWS: RowRange = { lower: 0, upper: null }
const NO_ROWS: RowRange = { lower: 0, upper: -1 }

/** Reads a `Range` header; anything that is not `from-` or `from-to` asks for all rows. */
export function parseRangeHeader(header: string | undefined): RowRange {
  const match = header === undefined ? null : /^(\d{1,15})-(\d{0,15})$/.exec(header)
  if (match === null) return ALL_ROWS
  return { lower: Number(match[1]), upper: match[2] === '' ? null : Number(match[2]) }
}

/** The range that `limit` and `offset` ask for. */
export function toRange(limit: string | undefined, offset: string | undefined): RowRange {
  const count = toInteger(limit)
  const lower = toInteger(offset) ?? 0
  return { lower, upper: count === undefined ? null : lower + count - 1 }
}

function toInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined
}

/** Header and parameters together. Throws PGRST103 when that can have no rows, except for an explicit `limit=0`. */
export function intersectRanges(header: RowRange, params: RowRange): RowRange {
  if (params.upper === -1) return NO_ROWS
  const both = {
    lower: Math.max(header.lower, params.lower),
    upper: header.upper === null ? params.upper : params.upper === null ? header.upper : Math.min(header.upper, params.upper),
  }
  if (both.upper !== null && both.lower > both.upper) {
    const isHeaderEmpty = header.upper !== null && header.lower > header.upper
    throw rangeUnsatisfiable(isHeaderEmpty ? 'lower_above_upper' : 'negative_limit')
  }
  return both
}

/** The range, cut to at most so many rows. */
export function restrictRange(range: RowRange, maxRows: number | null): RowRange {
  if (maxRows === null || range.upper === -1) return range
  const most = range.lower + maxRows - 1
  return { lower: range.lower, upper: range.upper === null ? most : Math.min(range.upper, most) }
}

/** `Content-Range`: the rows sent, and the total if it is known. */
export function toContentRange(lower: number, upper: number, total: number | null): string {
  const rows = total !== 0 && lower <= upper ? `${lower}-${upper}` : '*'
  return `${rows}/${total ?? '*'}`
}
