import type { CallerResult, FieldStream } from '@polder/db'
import { rangeUnsatisfiable, restError } from './fault.ts'
import { escapeQueryText } from './parse/canonical-query.ts'
import { type RowRange, toContentRange } from './parse/range.ts'
import type { Prepared } from './prepare.ts'
import { RESULT } from './queries/statements.ts'

/** An answer of the data API; the body is Postgres' own bytes. */
export interface RestReply {
  status: number
  headers: [name: string, value: string][]
  /** A stream only where the caller can take one: it has to be read to its end, or destroyed. */
  body: Buffer | FieldStream | null
}

/** The body of an answer that was not asked for as a stream. */
export function bodyText({ body }: RestReply): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : ''
}

/** What a statement's row says. */
export interface ResultRow {
  total: number | null
  count: number
  location: string | null
  body: Buffer | FieldStream | null
  headers: string | null
  status: string | null
  inserted: number | null
}

/** Reads the one row of a statement; `isBytes` when its body is a bytea. */
export function readResult({ rows, stream }: CallerResult, isBytes = false): ResultRow {
  const row = rows[0] ?? []
  const text = (place: number) => row[place]?.toString('utf8') ?? null
  const number = (place: number) => (row[place] == null ? null : Number(row[place].toString('latin1')))
  return {
    total: number(RESULT.total),
    count: number(RESULT.count) ?? 0,
    location: text(RESULT.location),
    body: stream ?? (isBytes ? fromHex(row[RESULT.body]) : (row[RESULT.body] ?? null)),
    headers: text(RESULT.headers),
    status: text(RESULT.status),
    inserted: number(RESULT.inserted),
  }
}

function fromHex(text: Buffer | null | undefined): Buffer | null {
  return text == null ? null : Buffer.from(text.toString('latin1', 2), 'hex')
}

export interface ReplyContext {
  range: RowRange
  /** The query string with sorted parameters, for Content-Location. */
  canonicalQuery: string
  /** The schema, when the answer has to name it. */
  profile: string | undefined
}

/** The answer to a statement's result. Throws PGRST103 for an offset beyond the end, PGRST111 and 112 for malformed settings of functions. */
export function toReply(prepared: Prepared, result: ResultRow, context: ReplyContext): RestReply {
  const reply =
    prepared.action.kind === 'read' || prepared.action.kind === 'call'
      ? toRowsReply(prepared, result, context)
      : toWriteReply(prepared, result, context)
  return result.headers === null && result.status === null ? reply : override(reply, result)
}

function toRowsReply(prepared: Prepared, result: ResultRow, { range, canonicalQuery, profile }: ReplyContext): RestReply {
  const { action, preferenceApplied } = prepared
  const upper = range.lower + result.count - 1
  const headers: RestReply['headers'] = [['Content-Range', toContentRange(range.lower, upper, result.total)]]
  if (result.total !== null && range.lower > result.total) {
    throw withHeaders(rangeUnsatisfiable({ offset: String(range.lower), total: String(result.total) }), headers)
  }
  if (action.kind === 'read')
    headers.push(['Content-Location', `/${encodePath(prepared.table)}${canonicalQuery === '' ? '' : `?${canonicalQuery}`}`])
  if (preferenceApplied !== undefined) headers.push(['Preference-Applied', preferenceApplied])
  if (prepared.isVoid) return { status: 204, headers, body: null }
  pushContentType(headers, prepared.contentType, profile)
  const isPartial = result.total !== null && upper - range.lower + 1 < result.total
  const isHead = (action.kind === 'read' || action.kind === 'call') && action.isHead
  return { status: isPartial ? 206 : 200, headers, body: isHead ? null : (result.body ?? Buffer.alloc(0)) }
}

function withHeaders<E extends { details: unknown }>(error: E, headers: RestReply['headers']): E {
  Object.assign(error.details as object, { headers })
  return error
}

function toWriteReply(prepared: Prepared, result: ResultRow, { profile }: ReplyContext): RestReply {
  const { action, preferences, preferenceApplied, contentType } = prepared
  const headers: RestReply['headers'] = []
  const total = preferences.count === 'exact' || preferences.count === 'estimated' ? result.count : null
  if (action.kind === 'insert' && result.location !== null) headers.push(['Location', toLocation(prepared.table, result.location)])
  if (action.kind === 'update') headers.push(['Content-Range', toContentRange(0, result.count - 1, total)])
  else if (action.kind !== 'put') headers.push(['Content-Range', toContentRange(1, 0, total)])
  if (preferenceApplied !== undefined) headers.push(['Preference-Applied', preferenceApplied])
  const isFull = preferences.representation === 'representation'
  if (isFull) pushContentType(headers, contentType, profile)
  const body = isFull ? (result.body ?? Buffer.alloc(0)) : null
  return { status: writeStatus(prepared, result, isFull), headers, body }
}

function writeStatus({ action, preferences }: Prepared, { inserted }: ResultRow, isFull: boolean): number {
  if (action.kind === 'insert') return preferences.resolution === 'merge-duplicates' && (inserted ?? 0) <= 0 ? 200 : 201
  if (!isFull) return 204
  return action.kind === 'put' && inserted !== null && inserted > 0 ? 201 : 200
}

function pushContentType(headers: RestReply['headers'], contentType: string, profile: string | undefined): void {
  headers.push(['Content-Type', contentType])
  if (profile !== undefined) headers.push(['Content-Profile', profile])
}

function toLocation(table: string, location: string): string {
  const pairs = JSON.parse(location) as [string, string | null][]
  const query = pairs.map(([name, value]) => `${escapeQueryText(name)}=${value === null ? 'is.null' : escapeQueryText(`eq.${value}`)}`)
  return `/${encodePath(table)}?${query.join('&')}`
}

function encodePath(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}

/** Functions may set status and headers by `response.status` and `response.headers`. */
function override(reply: RestReply, { headers, status }: ResultRow): RestReply {
  const own = headers === null ? [] : readHeaders(headers)
  const names = new Set(own.map(([name]) => name.toLowerCase()))
  return {
    ...reply,
    status: status === null ? reply.status : readStatus(status),
    headers: [...reply.headers.filter(([name]) => !names.has(name.toLowerCase())), ...own],
  }
}

function readStatus(text: string): number {
  const match = /^\d{1,9}/.exec(text)
  const status = match === null ? 0 : Number(match[0])
  if (status >= 200 && status <= 599) return status
  throw restError('rest.database_error', 'response.status guc must be a valid status code', { pgrst: 'PGRST112', status: 500 })
}

function readHeaders(text: string): [string, string][] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) {
      return list.map((each: unknown) => {
        const [entry, second] = typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.entries(each) : []
        if (entry === undefined || second !== undefined || typeof entry[1] !== 'string') throw new TypeError('not a header')
        if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(entry[0]) || /[^\t\x20-\x7e\x80-\xff]/.test(entry[1])) throw new TypeError('not a header')
        return [entry[0], entry[1]]
      })
    }
  } catch {
    // Told below.
  }
  throw restError(
    'rest.database_error',
    'response.headers guc must be a JSON array composed of objects with a single key and a string value',
    {
      pgrst: 'PGRST111',
      status: 500,
    },
  )
}
