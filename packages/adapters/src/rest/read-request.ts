import type { RestSettings } from '@polder/core'
import { methodRefused, pathInvalid, putLimitRefused, schemaNotExposed } from './fault.ts'
import { type Action, type ApiRequest, type RestRequest, isMutation, toPayloadShape } from './parse/api-request.ts'
import { type Payload, parseBody } from './parse/body.ts'
import { columnList } from './parse/fields.ts'
import { parseAccept, parseMediaType } from './parse/media-type.ts'
import { run } from './parse/parsec.ts'
import { parsePreferences } from './parse/prefer.ts'
import { parseQueryParams } from './parse/query-params.ts'
import { type QueryShape, readQueryShape } from './parse/query-shape.ts'
import { ALL_ROWS, type RowRange, intersectRanges, parseRangeHeader, toRange } from './parse/range.ts'

/** What a path leads to. */
export type Resource = { kind: 'root' } | { kind: 'relation' | 'routine'; name: string }

/** Reads the path behind the service's prefix. Throws PGRST125 for one that leads nowhere. */
export function readResource(path: string): Resource {
  const [first = '', second, third] = path.replace(/^\//, '').split('/').map(decodeSegment)
  if (first === '' && second === undefined) return { kind: 'root' }
  if (second === undefined) return { kind: 'relation', name: first }
  if (first === 'rpc' && third === undefined) return { kind: 'routine', name: second }
  throw pathInvalid()
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The schema of a request, and whether the answer has to name it. */
export interface Profile {
  schema: string
  isTold: boolean
}

/** The schema that a request is for. Throws PGRST106 for one that is not exposed. */
export function readProfile(settings: RestSettings, request: RestRequest): Profile {
  const asked = READING.has(request.method) ? request.headers['accept-profile'] : request.headers['content-profile']
  if (asked === undefined) return { schema: settings.schemas[0] ?? 'public', isTold: settings.schemas.length > 1 }
  if (!settings.schemas.includes(asked)) throw schemaNotExposed(asked, settings.schemas)
  return { schema: asked, isTold: true }
}

const MUTATIONS: Record<string, Action> = {
  POST: { kind: 'insert' },
  PUT: { kind: 'put' },
  PATCH: { kind: 'update' },
  DELETE: { kind: 'delete' },
}

/** What a method does to a table or function. Throws PGRST101 and PGRST117. */
export function readAction(resource: Resource, method: string): Action {
  const isHead = method === 'HEAD'
  const isRead = isHead || method === 'GET'
  if (resource.kind === 'routine') {
    if (isRead || method === 'POST') return { kind: 'call', isHead, isInvocation: !isRead }
    throw methodRefused(method, true)
  }
  if (isRead) return { kind: 'read', isHead }
  const action = Object.hasOwn(MUTATIONS, method) && resource.kind === 'relation' ? MUTATIONS[method] : undefined
  if (action === undefined) throw methodRefused(method, false)
  return action
}

/** A request, read as far as is needed to find its plan. */
export interface ReadRequest {
  /** What requests of the same plan share; null when the plan is not worth keeping. */
  key: string | null
  slots: string[]
  range: RowRange
  payload: Payload | null
  profile: string | undefined
  toApiRequest(): ApiRequest
}

/** Reads a request for a table or function. Throws what PostgREST answers to a malformed one. */
export function readRequest(settings: RestSettings, request: RestRequest, resource: Exclude<Resource, { kind: 'root' }>): ReadRequest {
  const { headers } = request
  const { schema, isTold } = readProfile(settings, request)
  const action = readAction(resource, request.method)
  const isReadCall = action.kind === 'call' && !action.isInvocation
  const shape = readQueryShape(request.query, isReadCall)
  const hasRangeHeader = request.method === 'GET' && headers.range !== undefined
  const range = readTopRange(shape, action, hasRangeHeader ? headers.range : undefined)
  const payload = readPayload(request, action, shape)
  const slots = payload?.kind === 'form' ? [...shape.values, ...payload.entries.map(({ value }) => value)] : shape.values
  const payloadKey = payload === null ? '' : JSON.stringify([headers['content-type'], toPayloadShape(payload)])
  const isCacheable = shape.isCacheable && payloadKey.length < 4096
  const parts = [request.method, request.path, schema, headers.accept, headers.prefer, hasRangeHeader, payloadKey, shape.key]
  return {
    key: isCacheable ? parts.join('\u0000') : null,
    slots,
    range,
    payload,
    profile: isTold ? schema : undefined,
    toApiRequest() {
      const query = parseQueryParams(shape)
      if (payload?.kind === 'form') {
        const first = shape.values.length
        query.arguments = payload.entries.map(({ name }, index) => ({ name, slot: first + index }))
      }
      return {
        action,
        target: { schema, name: resource.name },
        query,
        preferences: parsePreferences(headers.prefer, settings.transactionEnd.endsWith('-allow-override'), isTimeZone),
        payload: payload === null ? null : toPayloadShape(payload),
        accept: parseAccept(headers.accept),
        contentType: parseMediaType(headers['content-type'] ?? 'application/json'),
        hasRangeHeader,
      }
    },
  }
}

function readTopRange(shape: QueryShape, action: Action, header: string | undefined): RowRange {
  let limit: string | undefined
  let offset: string | undefined
  for (const pair of shape.pairs) {
    if (pair.key !== 'limit' && pair.key !== 'offset') continue
    const text = pair.kind === 'number' ? shape.values[pair.slot] : pair.kind === 'structure' ? pair.value : undefined
    // Of one that is given twice the last counts.
    if (pair.key === 'limit') limit = text
    else offset = text
  }
  if (limit === undefined && offset === undefined && header === undefined) return ALL_ROWS
  const range = intersectRanges(parseRangeHeader(header), toRange(limit, offset))
  if (action.kind === 'put' && (range.lower !== 0 || range.upper !== null)) throw putLimitRefused()
  return range
}

function readPayload(request: RestRequest, action: Action, shape: QueryShape): Payload | null {
  const isCall = action.kind === 'call'
  const isSent = isCall ? action.isInvocation : isMutation(action) && action.kind !== 'delete'
  if (!isSent) return null
  const contentType = parseMediaType(request.headers['content-type'] ?? 'application/json')
  const columns = action.kind === 'put' ? undefined : shape.pairs.find(({ key }) => key === 'columns')
  try {
    const listed = columns?.kind === 'structure' ? run(columnList, '', columns.value) : undefined
    return parseBody({
      body: request.body,
      contentType,
      isCall,
      columns: listed !== undefined && 'value' in listed ? [...new Set(listed.value)] : null,
    })
  } catch (error) {
    // A query string that cannot be parsed is told first.
    parseQueryParams(shape)
    throw error
  }
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(name)) return false
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions()
    // Here any case will do; PostgREST knows zones only as they are written.
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase()
  } catch {
    return false
  }
}
