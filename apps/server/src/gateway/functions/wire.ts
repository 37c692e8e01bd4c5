import { isServiceError } from '@polder/core'

/** A refusal of the platform, as Supabase's relay sends it; clients tell it from a function's own answer by the header. */
export interface RelayError {
  status: number
  headers: Record<string, string>
  body: string
}

/** Any error in the relay's form. */
export function toRelayError(error: unknown): RelayError {
  const { status, code, message, retryAfter } = tell(error)
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-relay-error': 'true',
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify({ code, message }),
  }
}

interface Told {
  status: number
  code: string | number
  message: string
  retryAfter?: number
}

function tell(error: unknown): Told {
  if (!isServiceError(error)) {
    const status = (error as { statusCode?: number } | null)?.statusCode ?? 500
    if (status === 413) return { status, code: 'PAYLOAD_TOO_LARGE', message: 'The body is larger than this project allows.' }
    if (status >= 400 && status < 500) return { status, code: 'BAD_REQUEST', message: 'Bad request' }
    return { status: 500, code: 'INTERNAL_ERROR', message: 'Something went wrong on our side' }
  }
  const { message, status } = error
  switch (error.code) {
    case 'access.key_missing':
      return { status: 401, code: 401, message: 'Missing authorization header' }
    case 'access.jwt_invalid':
    case 'access.jwt_expired':
    case 'access.key_invalid':
      return { status: 401, code: 401, message: 'Invalid JWT' }
    case 'functions.not_found':
      return { status: 404, code: 'NOT_FOUND', message }
    case 'functions.boot_failed':
    case 'functions.version_not_found':
      return { status: 503, code: 'BOOT_ERROR', message: 'Function failed to start (please check logs)' }
    case 'functions.resource_limit':
      return { status: 546, code: 'WORKER_LIMIT', message }
    case 'functions.crashed':
      return { status: 500, code: 'WORKER_ERROR', message }
    case 'functions.timed_out':
      return { status: 504, code: 'IDLE_TIMEOUT', message: 'Request idle timeout limit reached' }
    case 'functions.busy':
    case 'request.rate_limited':
      return { status: 429, code: 'TOO_MANY_REQUESTS', message, retryAfter: 1 }
    case 'request.too_large':
      return { status: 413, code: 'PAYLOAD_TOO_LARGE', message: 'The body is larger than this project allows.' }
    case 'project.not_found':
      return { status: 404, code: 'NOT_FOUND', message }
    default:
      return { status, code: status >= 500 ? 'UNAVAILABLE' : 'BAD_REQUEST', message, ...(status === 503 && { retryAfter: 1 }) }
  }
}
