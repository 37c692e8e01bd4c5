import { ERROR_CATALOG, ServiceError, type ErrorCode, type ErrorKind } from '@polder/core'
import { isConnectionLost, isDatabaseError } from '@polder/db'
import { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { ZodError } from 'zod'

type TrpcCode = TRPCError['code']

const TRPC_CODES: Record<ErrorKind, TrpcCode> = {
  invalid_input: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  not_found: 'NOT_FOUND',
  conflict: 'CONFLICT',
  too_large: 'PAYLOAD_TOO_LARGE',
  rate_limited: 'TOO_MANY_REQUESTS',
  internal: 'INTERNAL_SERVER_ERROR',
  unavailable: 'SERVICE_UNAVAILABLE',
}

// Serialization failure, deadlock, lock and statement timeouts: the same call may work in a moment.
const PASSING_STATES = new Set(['40001', '40P01', '55P03', '57014'])

/** What a caller of tRPC is told of an error, beside its message. */
export interface ErrorFacts {
  serviceCode: ErrorCode
  details: unknown
  hint: string | null
  requestId: string | null
}

/** Any error as a ServiceError; what nobody expected becomes `system.unexpected`, whose text says nothing. */
export function toKnownError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof TRPCError) return fromTrpcError(error)
  if (isConnectionLost(error)) return new ServiceError('system.unavailable', { cause: error })
  const isRefusedForNow = isDatabaseError(error) && PASSING_STATES.has(error.code ?? '')
  return new ServiceError(isRefusedForNow ? 'system.busy' : 'system.unexpected', { cause: error })
}

function fromTrpcError(error: TRPCError): ServiceError {
  if (error.code === 'INTERNAL_SERVER_ERROR') {
    // A schema's own error here means that we answered wrongly, not that the caller asked wrongly.
    return error.cause && !(error.cause instanceof ZodError)
      ? toKnownError(error.cause)
      : new ServiceError('system.unexpected', { cause: error })
  }
  if (error.cause instanceof ServiceError) return error.cause
  if (error.cause instanceof ZodError) return new ServiceError('request.invalid', { details: toIssues(error.cause), cause: error })
  if (error.code === 'NOT_FOUND') return new ServiceError('request.not_found', { cause: error })
  if (error.code === 'PAYLOAD_TOO_LARGE') return new ServiceError('request.too_large', { cause: error })
  return new ServiceError('request.invalid', { cause: error })
}

/** Where the input is wrong and why; the values themselves are not repeated. */
function toIssues(error: ZodError) {
  return error.issues.slice(0, 20).map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }))
}

/** The error as tRPC throws it: status by kind, the ServiceError as its cause. */
export function toTrpcError(error: ServiceError): TRPCError {
  return new TRPCError({ code: TRPC_CODES[error.kind], message: publicMessage(error), cause: error })
}

/** Its own sentence, but never that of an error of ours: those may hold anything. */
export function publicMessage(error: ServiceError): string {
  return error.kind === 'internal' && error.code === 'system.unexpected' ? ERROR_CATALOG[error.code].sentence : error.message
}

/** The error as it is sent: tRPC's shape, with what callers of ours need in `data`. */
export function toErrorShape(error: ServiceError, { path, requestId }: { path: string | undefined; requestId: string | undefined }) {
  const code = TRPC_CODES[error.kind]
  const facts: ErrorFacts = {
    serviceCode: error.code,
    details: error.details ?? null,
    hint: error.hint ?? null,
    requestId: requestId ?? null,
  }
  return { message: publicMessage(error), code: TRPC_ERROR_CODES_BY_KEY[code], data: { code, httpStatus: error.status, path, ...facts } }
}

/** The `Retry-After` header for a batch of refusals that name a time; the longest counts. */
export function toRetryAfter(errors: readonly unknown[]): Record<string, string> {
  const seconds = errors.map((error) => (toKnownError(error).details as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds ?? 0)
  const longest = Math.max(0, ...seconds)
  return longest > 0 ? { 'retry-after': String(longest) } : {}
}
