import type { QualifiedName } from '../schema/schema.ts'
import type { Payload } from './body.ts'
import type { MediaType } from './media-type.ts'
import type { Preferences } from './prefer.ts'
import type { QueryParams } from './query-params.ts'

/** One HTTP request to the data API, as the door hands it over. */
export interface RestRequest {
  method: string
  /** The path behind the service's prefix, raw: `/items`, `/rpc/add`, `/`. */
  path: string
  /** The query string, raw, without `?`. */
  query: string
  /** Names in lower case; several of one name joined by commas. */
  headers: Readonly<Record<string, string | undefined>>
  body: Buffer | null
}

export type Action =
  | { kind: 'read'; isHead: boolean }
  | { kind: 'insert' | 'update' | 'put' | 'delete' }
  | { kind: 'call'; isHead: boolean; isInvocation: boolean }

/** A parsed request: everything that the plan depends on, and none of the values. */
export interface ApiRequest {
  action: Action
  target: QualifiedName
  query: QueryParams
  preferences: Preferences
  /** Keys and form of the body; null when the action takes none. */
  payload: PayloadShape | null
  accept: MediaType[]
  contentType: MediaType
  /** Whether a Range header narrows the rows. */
  hasRangeHeader: boolean
}

export type PayloadShape = { kind: 'json'; keys: string[]; isObject: boolean } | { kind: 'raw' } | { kind: 'form'; names: string[] }

export function toPayloadShape(payload: Payload): PayloadShape {
  if (payload.kind === 'json') return { kind: 'json', keys: payload.keys, isObject: payload.isObject }
  return payload.kind === 'raw' ? { kind: 'raw' } : { kind: 'form', names: payload.entries.map(({ name }) => name) }
}

export function isMutation(action: Action): boolean {
  return action.kind !== 'read' && action.kind !== 'call'
}
