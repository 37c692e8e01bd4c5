import { type ErrorCode, ServiceError, isServiceError } from '@polder/core'

/** What PostgREST tells of an error besides its sentence; stands in the `details` of a ServiceError for the door to read. */
export interface RestFault {
  /** PostgREST's own code, `PGRSTnnn`. */
  pgrst: string
  status: number
  details: unknown
  hint: string | null
  headers?: readonly (readonly [string, string])[]
}

/** A ServiceError that carries PostgREST's code and status. */
export function restError(code: ErrorCode, message: string, fault: Pick<RestFault, 'pgrst' | 'status'> & Partial<RestFault>): ServiceError {
  return new ServiceError(code, { message, details: { details: null, hint: null, ...fault } })
}

/** PostgREST's part of an error, if it has one. */
export function findRestFault(error: unknown): RestFault | undefined {
  if (!isServiceError(error) || typeof error.details !== 'object' || error.details === null) return undefined
  return 'pgrst' in error.details && 'status' in error.details ? (error.details as RestFault) : undefined
}

export function queryInvalid(message: string, details: string): ServiceError {
  return restError('rest.query_invalid', message, { pgrst: 'PGRST100', status: 400, details })
}

export function bodyInvalid(message: string): ServiceError {
  return restError('rest.body_invalid', message, { pgrst: 'PGRST102', status: 400 })
}

export type RangeFault = 'negative_limit' | 'lower_above_upper' | { offset: string; total: string }

export function rangeUnsatisfiable(reason: RangeFault): ServiceError {
  const details =
    reason === 'negative_limit'
      ? 'Limit should be greater than or equal to zero.'
      : reason === 'lower_above_upper'
        ? 'The lower boundary must be lower than or equal to the upper boundary in the Range header.'
        : `An offset of ${reason.offset} was requested, but there are only ${reason.total} rows.`
  return restError('rest.range_unsatisfiable', 'Requested range not satisfiable', { pgrst: 'PGRST103', status: 416, details })
}

export function notEmbedded(name: string): ServiceError {
  return restError('rest.query_invalid', `'${name}' is not an embedded resource in this request`, {
    pgrst: 'PGRST108',
    status: 400,
    hint: `Verify that '${name}' is included in the 'select' query parameter.`,
  })
}

export function notSingular(count: number | string): ServiceError {
  return restError('rest.not_singular', 'Cannot coerce the result to a single JSON object', {
    pgrst: 'PGRST116',
    status: 406,
    details: `The result contains ${count} rows`,
  })
}

export function mediaTypeUnsupported(asked: readonly string[]): ServiceError {
  return restError('rest.media_type_unsupported', `None of these media types are available: ${asked.join(', ')}`, {
    pgrst: 'PGRST107',
    status: 406,
  })
}

export function preferencesInvalid(preferences: readonly string[]): ServiceError {
  return restError('rest.preference_invalid', 'Invalid preferences given with handling=strict', {
    pgrst: 'PGRST122',
    status: 400,
    details: `Invalid preferences: ${preferences.join(', ')}`,
  })
}

export function putFiltersInvalid(): ServiceError {
  return restError('rest.method_not_allowed', "Filters must include all and only primary key columns with 'eq' operators", {
    pgrst: 'PGRST105',
    status: 405,
  })
}

export function putLimitRefused(): ServiceError {
  return restError('rest.query_invalid', 'limit/offset querystring parameters are not allowed for PUT', { pgrst: 'PGRST114', status: 400 })
}

export function putKeyMismatch(): ServiceError {
  return restError('rest.body_invalid', 'Payload values do not match URL in primary key column(s)', { pgrst: 'PGRST115', status: 400 })
}

export function tooManyAffected(count: number): ServiceError {
  return restError('rest.preference_invalid', 'Query result exceeds max-affected preference constraint', {
    pgrst: 'PGRST124',
    status: 400,
    details: `The query affects ${count} rows`,
  })
}

export function aggregatesRefused(): ServiceError {
  return restError('rest.query_invalid', 'Use of aggregate functions is not allowed', { pgrst: 'PGRST123', status: 400 })
}

export function pathInvalid(): ServiceError {
  return restError('rest.relation_not_found', 'Invalid path specified in request URL', { pgrst: 'PGRST125', status: 404 })
}

export function methodRefused(method: string, isCall: boolean): ServiceError {
  const message = isCall ? `Cannot use the ${method} method on RPC` : `Unsupported HTTP method: ${method}`
  return restError('rest.method_not_allowed', message, { pgrst: isCall ? 'PGRST101' : 'PGRST117', status: 405 })
}

export function schemaNotExposed(schema: string, exposed: readonly string[]): ServiceError {
  return restError('rest.schema_not_exposed', `Invalid schema: ${schema}`, {
    pgrst: 'PGRST106',
    status: 406,
    hint: `Only the following schemas are exposed: ${exposed.join(', ')}`,
  })
}
