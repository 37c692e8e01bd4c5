import { TRPCClientError } from '@trpc/client'
import type { ErrorCode } from './api.ts'

/** What can go wrong on the way to the server and back, besides the server's own codes. */
export type SdkErrorCode = ErrorCode | 'sdk.unreachable' | 'sdk.aborted' | 'sdk.answer_invalid' | 'sdk.not_supported' | 'sdk.timeout'

export interface SdkErrorOptions {
  status?: number
  requestId?: string
  details?: unknown
  hint?: string
  cause?: unknown
}

/** The one error that the SDK throws. */
export class SdkError extends Error {
  /** The server's code (docs/errors.md), or `sdk.…` when no answer of the server's came. */
  readonly code: SdkErrorCode
  /** HTTP status; 0 when no answer came. */
  readonly status: number
  /** Finds the request in the server's log. */
  readonly requestId: string | undefined
  readonly details: unknown
  readonly hint: string | undefined

  constructor(code: SdkErrorCode, message: string, options: SdkErrorOptions = {}) {
    super(message, { cause: options.cause })
    this.name = 'SdkError'
    this.code = code
    this.status = options.status ?? 0
    this.requestId = options.requestId
    this.details = options.details
    this.hint = options.hint
  }
}

/** Whether the value is an SdkError, of that code if one is given. */
export function isSdkError(error: unknown, code?: SdkErrorCode): error is SdkError {
  return error instanceof SdkError && (code === undefined || error.code === code)
}

/** Turns whatever the transport threw into an SdkError. */
export function toSdkError(error: unknown): SdkError {
  if (error instanceof SdkError) return error
  if (isAbort(error)) return new SdkError('sdk.aborted', 'The call was aborted.', { cause: error })
  if (!(error instanceof TRPCClientError)) return new SdkError('sdk.unreachable', messageOf(error), { cause: error })
  if (error.cause instanceof SdkError) return error.cause
  if (isAbort(error.cause)) return new SdkError('sdk.aborted', 'The call was aborted.', { cause: error })
  const response: unknown = error.meta?.['response']
  const status = isRecord(response) && typeof response['status'] === 'number' ? response['status'] : 0
  const shape: unknown = error.data
  if (!isRecord(shape)) {
    if (status === 0) return new SdkError('sdk.unreachable', messageOf(error), { cause: error })
    return new SdkError('sdk.answer_invalid', `The server's answer (HTTP ${status}) is not one of Polder's.`, { status, cause: error })
  }
  return new SdkError(toCode(shape), error.message, {
    status: typeof shape['httpStatus'] === 'number' ? shape['httpStatus'] : (STATUS[String(shape['code'])] ?? status),
    requestId: toText(shape['requestId']),
    details: shape['details'] ?? undefined,
    hint: toText(shape['hint']),
    cause: error,
  })
}

/** tRPC's own names of the error kinds. In a batch the response's status is that of all answers together, so it can't be used. */
const STATUS: Record<string, number> = {
  BAD_REQUEST: 400,
  PARSE_ERROR: 400,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_SUPPORTED: 405,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
}

function toCode(shape: Record<string, unknown>): SdkErrorCode {
  if (typeof shape['serviceCode'] === 'string') return shape['serviceCode'] as SdkErrorCode
  // tRPC refuses some requests before any procedure runs, with its own codes only.
  if (shape['code'] === 'NOT_FOUND') return 'request.not_found'
  if (shape['code'] === 'PAYLOAD_TOO_LARGE') return 'request.too_large'
  return (STATUS[String(shape['code'])] ?? 500) >= 500 ? 'system.unexpected' : 'request.invalid'
}

function isAbort(error: unknown): boolean {
  return isRecord(error) && (error['name'] === 'AbortError' || (error['name'] === 'TimeoutError' && error instanceof DOMException))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message ? error.message : 'The server cannot be reached.'
}
