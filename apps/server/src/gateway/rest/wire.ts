import { findRestFault, type RestFault } from '@polder/adapters/rest'
import { isServiceError, type ServiceError } from '@polder/core'
import { findTokenRejection, isDatabaseError, type TokenRejection } from '@polder/db'

/** An error as PostgREST sends it. */
export interface RestErrorReply {
  status: number
  statusText?: string
  headers: [string, string][]
  body: string
}

/** What Postgres reports. */
interface PostgresError {
  message: string
  code?: string
  detail?: string
  hint?: string
}

interface Told {
  status: number
  statusText?: string
  code: string
  message: string
  details?: unknown
  hint?: unknown
  headers?: [string, string][]
}

/** Any error in PostgREST's form. `isAnonymous` says whether the request ran as the anonymous role. */
export function toErrorReply(error: unknown, isAnonymous: boolean): RestErrorReply {
  const told = tell(error, isAnonymous)
  const { status, statusText, code, message, details = null, hint = null, headers = [] } = told
  const challenge: [string, string][] =
    status === 401 && !headers.some(([name]) => name === 'WWW-Authenticate') ? [['WWW-Authenticate', 'Bearer']] : []
  return {
    status,
    statusText,
    headers: [...challenge, ...headers, ['Proxy-Status', `PostgREST; error=${code.replaceAll(/[^\x20-\x7e]/g, '?')}`]],
    body: JSON.stringify({ code, message, details, hint }),
  }
}

function tell(error: unknown, isAnonymous: boolean): Told {
  const fault = findRestFault(error)
  if (fault !== undefined) return fromFault(error as ServiceError, fault)
  if (isServiceError(error, 'rest.database_error') && isDatabaseError(error.cause)) return fromDatabase(error.cause, isAnonymous)
  const rejection = findTokenRejection(error)
  if (rejection !== undefined) return fromRejection(error as ServiceError, rejection)
  if (isServiceError(error)) return fromServiceError(error)
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { status: 413, code: 'PGRST102', message: 'The body is too large' }
  // What the HTTP server refuses of a request is the client's doing; everything else is ours.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return { status: statusCode, code: 'PGRST102', message: 'Bad request' }
  return { status: 500, code: 'PGRSTX00', message: 'Something went wrong on our side' }
}

function fromFault(error: ServiceError, { pgrst, status, details, hint, headers }: RestFault): Told {
  return { status, code: pgrst, message: error.message, details, hint, headers: headers?.map(([name, value]) => [name, value]) }
}

const REJECTIONS: Record<TokenRejection['reason'], { code: string; message: string; details?: string }> = {
  malformed: { code: 'PGRST301', message: "JWT couldn't be decoded" },
  algorithm: { code: 'PGRST301', message: 'Wrong or unsupported encoding algorithm' },
  signature: {
    code: 'PGRST301',
    message: 'No suitable key or wrong key type',
    details: 'None of the keys was able to decode the JWT',
  },
  expired: { code: 'PGRST303', message: 'JWT expired' },
  not_yet_valid: { code: 'PGRST303', message: 'JWT not yet valid' },
  issued_in_future: { code: 'PGRST303', message: 'JWT issued at future' },
  audience: { code: 'PGRST303', message: 'JWT not in audience' },
  claim: { code: 'PGRST303', message: 'Parsing claims failed' },
}

const CLAIMS: Record<string, string> = {
  exp: "The JWT 'exp' claim must be a number",
  nbf: "The JWT 'nbf' claim must be a number",
  iat: "The JWT 'iat' claim must be a number",
  aud: "The JWT 'aud' claim must be a string or an array of strings",
}

function fromRejection(error: ServiceError, { reason, claim }: TokenRejection): Told {
  const { code, message: usual, details } = REJECTIONS[reason]
  const message = reason === 'claim' ? (CLAIMS[claim ?? ''] ?? usual) : reason === 'malformed' ? toMalformed(error.message, usual) : usual
  const challenge = `Bearer error="invalid_token", error_description=${JSON.stringify(message)}`
  return { status: 401, code, message, details, headers: [['WWW-Authenticate', challenge]] }
}

function toMalformed(message: string, usual: string): string {
  return /^(?:Expected 3 parts|Empty JWT)/.test(message) ? message : usual
}

const KEY_HINT = 'Send the project\'s API key as the "apikey" header.'

function fromServiceError(error: ServiceError): Told {
  switch (error.code) {
    case 'access.key_missing':
      return { status: 401, code: 'PGRST302', message: 'Anonymous access is disabled', hint: KEY_HINT }
    case 'access.key_invalid':
      // The gateway in front of hosted projects answers this in a form of its own, with a hint that clients print.
      return {
        status: 401,
        code: 'PGRST301',
        message: error.message,
        hint: error.hint ?? KEY_HINT,
      }
    case 'project.connections_exhausted':
    case 'system.busy':
      return {
        status: 503,
        code: 'PGRST003',
        message: 'Timed out acquiring connection from connection pool.',
        headers: [['Retry-After', '1']],
      }
    case 'database.unavailable':
      return { status: 503, code: 'PGRST000', message: 'Database connection error.', headers: [['Retry-After', '1']] }
    case 'request.too_large':
      return { status: 413, code: 'PGRST102', message: error.message }
    case 'request.rate_limited':
      return { status: 429, code: 'PGRST003', message: error.message, headers: [['Retry-After', '1']] }
    default: {
      const retry: [string, string][] = error.status === 503 ? [['Retry-After', '1']] : []
      return {
        status: error.status,
        code: error.status >= 500 ? 'PGRSTX00' : 'PGRST125',
        message: error.message,
        hint: error.hint,
        headers: retry,
      }
    }
  }
}

// PostgREST's pgErrorStatus (src/PostgREST/Error.hs); the default is 400.
const BY_STATE: Record<string, number> = {
  '23503': 409,
  '23505': 409,
  '25006': 405,
  '42883': 404,
  '42P01': 404,
  '42P17': 500,
  '53400': 500,
  '57P01': 503,
  P0001: 400,
}
const BY_CLASS: Record<string, number> = {
  '08': 503,
  '09': 500,
  '0L': 403,
  '0P': 403,
  '25': 500,
  '28': 403,
  '2D': 500,
  '38': 500,
  '39': 500,
  '3B': 500,
  '40': 500,
  '53': 503,
  '54': 500,
  '55': 500,
  '57': 500,
  '58': 500,
  F0: 500,
  HV: 500,
  P0: 500,
  XX: 500,
}

function fromDatabase(error: PostgresError, isAnonymous: boolean): Told {
  const code = error.code ?? 'XX000'
  if (code === 'PGRST') return fromRaised(error)
  const told = { code, message: error.message, details: error.detail ?? null, hint: error.hint ?? null }
  const custom = /^PT(\d{3})$/.exec(code)
  if (custom !== null) {
    const status = Number(custom[1])
    return status >= 200 && status <= 599 ? { ...told, status, statusText: toReason(error.message) } : { ...told, status: 500 }
  }
  return { ...told, status: toStatus(code, error.message, isAnonymous) }
}

function toStatus(code: string, message: string, isAnonymous: boolean): number {
  if (code === '42501') return isAnonymous ? 401 : 403
  if (code === '21000') return message.endsWith('requires a WHERE clause') ? 400 : 500
  if (code === '22023') return message.startsWith('role') && message.endsWith('does not exist') ? 401 : 400
  if (code === '42883' && message.startsWith('function xmlagg(')) return 406
  if (code.startsWith('PT')) return 500
  return BY_STATE[code] ?? BY_CLASS[code.slice(0, 2)] ?? 400
}

/** `RAISE SQLSTATE 'PGRST'`, by which functions choose the whole answer. */
function fromRaised(error: PostgresError): Told {
  const message = readObject(error.message)
  if (typeof message?.code !== 'string' || typeof message.message !== 'string') {
    return malformedRaise(`Invalid JSON value for MESSAGE: '${error.message}'`, MESSAGE_HINT)
  }
  if (error.detail === undefined) return malformedRaise('DETAIL is missing in the RAISE statement', DETAIL_HINT)
  const detail = readObject(error.detail)
  const status = detail?.status
  const headers = typeof detail?.headers === 'object' && detail.headers !== null ? Object.entries(detail.headers) : undefined
  if (
    typeof status !== 'number' ||
    headers === undefined ||
    !headers.every((each): each is [string, string] => typeof each[1] === 'string')
  ) {
    return malformedRaise(`Invalid JSON value for DETAIL: '${error.detail}'`, DETAIL_HINT)
  }
  const isKnown = Number.isInteger(status) && status >= 200 && status <= 599
  return {
    status: isKnown ? status : 500,
    statusText: typeof detail?.status_text === 'string' ? toReason(detail.status_text) : undefined,
    code: message.code,
    message: message.message,
    details: message.details ?? null,
    hint: message.hint ?? null,
    headers: headers.filter(([name, value]) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !/[^\t\x20-\x7e\x80-\xff]/.test(value)),
  }
}

const MESSAGE_HINT = "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
const DETAIL_HINT = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."

function malformedRaise(details: string, hint: string): Told {
  return { status: 500, code: 'PGRST121', message: 'Could not parse JSON in the "RAISE SQLSTATE \'PGRST\'" error', details, hint }
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A reason phrase that can stand in a status line. */
function toReason(text: string): string {
  return text.replaceAll(/[^\t\x20-\x7e]/g, ' ')
}
