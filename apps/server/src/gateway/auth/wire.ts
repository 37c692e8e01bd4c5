import type { AuthIdentity, AuthUser, RefusalDetails, UserSession } from '@polder/adapters/auth'
import type { ErrorCode, ErrorKind, ServiceError } from '@polder/core'
import type { TokenRejection } from '@polder/db'

/** GoTrue's JSON of a user; times that are not set are left out, `phone` and `email` never are. */
export function toUserJson(user: AuthUser): Record<string, unknown> {
  return {
    id: user.id,
    aud: user.audience,
    role: user.role ?? '',
    email: user.email ?? '',
    ...times({ email_confirmed_at: user.emailConfirmedAt, invited_at: user.invitedAt }),
    phone: user.phone ?? '',
    ...times({
      phone_confirmed_at: user.phoneConfirmedAt,
      confirmation_sent_at: user.confirmationSentAt,
      confirmed_at: user.confirmedAt,
      recovery_sent_at: user.recoverySentAt,
    }),
    ...(user.newEmail === null ? {} : { new_email: user.newEmail }),
    ...times({ email_change_sent_at: user.emailChangeSentAt }),
    ...(user.newPhone === null ? {} : { new_phone: user.newPhone }),
    ...times({
      phone_change_sent_at: user.phoneChangeSentAt,
      reauthentication_sent_at: user.reauthenticationSentAt,
      last_sign_in_at: user.lastSignInAt,
    }),
    app_metadata: user.appMetadata,
    user_metadata: user.userMetadata,
    identities: user.identities.map(toIdentityJson),
    created_at: toTime(user.createdAt),
    updated_at: toTime(user.updatedAt),
    ...times({ banned_until: user.bannedUntil, deleted_at: user.deletedAt }),
    is_anonymous: user.isAnonymous,
  }
}

function toIdentityJson(identity: AuthIdentity): Record<string, unknown> {
  return {
    identity_id: identity.id,
    id: identity.providerId,
    user_id: identity.userId,
    identity_data: identity.data,
    provider: identity.provider,
    ...times({ last_sign_in_at: identity.lastSignInAt }),
    created_at: toTime(identity.createdAt ?? new Date(0)),
    updated_at: toTime(identity.updatedAt ?? new Date(0)),
    ...(identity.email === null ? {} : { email: identity.email }),
  }
}

/** GoTrue's JSON of a session: flat, with the user inside. */
export function toSessionJson(session: UserSession): Record<string, unknown> {
  return {
    access_token: session.accessToken,
    token_type: 'bearer',
    expires_in: session.expiresIn,
    expires_at: session.expiresAt,
    refresh_token: session.refreshToken,
    user: toUserJson(session.user),
  }
}

/** A refusal as GoTrue words it. */
export interface WireError {
  status: number
  /** GoTrue's error_code. */
  code: string
  message: string
  /** Further members of the body. */
  more?: Record<string, unknown>
  /** Body of the first API version where it is another one altogether. */
  firstVersionBody?: Record<string, unknown>
  retryAfterSeconds?: number
}

/** Status and error_code of each code that does not follow from its kind. */
const CODES: Partial<Record<ErrorCode, readonly [number, string]>> = {
  'auth.validation_failed': [400, 'validation_failed'],
  'auth.email_invalid': [400, 'validation_failed'],
  'auth.weak_password': [422, 'weak_password'],
  'auth.email_taken': [422, 'user_already_exists'],
  'auth.email_exists': [422, 'email_exists'],
  'auth.id_taken': [409, 'conflict'],
  'auth.invalid_credentials': [400, 'invalid_credentials'],
  'auth.email_not_confirmed': [400, 'email_not_confirmed'],
  'auth.email_change_unavailable': [422, 'feature_disabled'],
  'auth.signup_disabled': [422, 'signup_disabled'],
  'auth.user_not_found': [404, 'user_not_found'],
  'auth.user_gone': [403, 'user_not_found'],
  'auth.user_banned': [400, 'user_banned'],
  'auth.token_user_banned': [403, 'user_banned'],
  'auth.session_not_found': [403, 'session_not_found'],
  'auth.session_expired': [400, 'session_expired'],
  'auth.refresh_token_not_found': [400, 'refresh_token_not_found'],
  'auth.refresh_token_already_used': [400, 'refresh_token_already_used'],
  'auth.refresh_user_banned': [400, 'user_banned'],
  'auth.no_authorization': [401, 'no_authorization'],
  'auth.claim_invalid': [403, 'bad_jwt'],
  'auth.not_admin': [403, 'not_admin'],
  'auth.same_password': [422, 'same_password'],
  'auth.grant_unsupported': [400, 'invalid_credentials'],
  'auth.database_error': [500, 'unexpected_failure'],
  'access.key_missing': [401, 'no_authorization'],
  'access.key_invalid': [401, 'no_authorization'],
  'access.jwt_invalid': [403, 'bad_jwt'],
  'access.jwt_expired': [403, 'bad_jwt'],
  'request.invalid': [400, 'bad_json'],
  'request.too_large': [413, 'request_entity_too_large'],
}

const CODE_BY_KIND: Record<ErrorKind, string> = {
  invalid_input: 'validation_failed',
  unauthenticated: 'no_authorization',
  forbidden: 'not_admin',
  not_found: 'not_found',
  conflict: 'conflict',
  too_large: 'request_entity_too_large',
  rate_limited: 'over_request_rate_limit',
  internal: 'unexpected_failure',
  unavailable: 'unexpected_failure',
}

/** An error in GoTrue's words, whoever threw it. */
export function toWireError(error: ServiceError): WireError {
  const [status, code] = CODES[error.code] ?? [error.status, CODE_BY_KIND[error.kind]]
  const message = error.message
  switch (error.code) {
    case 'auth.weak_password':
      return { status, code, message, more: { weak_password: error.details } }
    case 'auth.database_error':
      return { status, code, message, ...toTriggerAnswer(error) }
    case 'access.jwt_invalid':
    case 'access.jwt_expired':
      return { status, code, message: `invalid JWT: unable to parse or verify signature, ${toTokenReason(error)}` }
    case 'request.rate_limited':
      return { status, code, message: 'Request rate limit reached', ...findRetryAfter(error) }
  }
  if (error.kind === 'internal') return { status, code, message: 'Unexpected failure, please check server logs for more information' }
  if (error.kind === 'unavailable') return { status, code, message, retryAfterSeconds: 1 }
  return { status, code, message }
}

/** SQLSTATEs that a tenant's trigger or constraint raises, which GoTrue passes on to clients of its first API version. */
const PUBLIC_STATES = new Set(['P0001', '23000', '23001', '23502', '23503', '23505', '23514', '23P01'])

function toTriggerAnswer(error: ServiceError): Pick<WireError, 'firstVersionBody'> & { status?: number } {
  const details = error.details as RefusalDetails | undefined
  if (!details) return {}
  // PTnnn chooses the status, as in PostgREST
  const chosen = /^PT([1-5]\d\d)$/.exec(details.sqlState)?.[1]
  if (chosen === undefined && !PUBLIC_STATES.has(details.sqlState)) return {}
  const { sqlState, message, hint, detail } = details
  const firstVersionBody = { code: sqlState, message, ...(hint ? { hint } : {}), ...(detail ? { detail } : {}) }
  return { firstVersionBody, ...(chosen === undefined ? {} : { status: Number(chosen) }) }
}

/** The words of GoTrue's JWT library. */
function toTokenReason(error: ServiceError): string {
  const reason = (error.details as TokenRejection | undefined)?.reason
  if (reason === 'expired') return 'token has invalid claims: token is expired'
  if (reason === 'not_yet_valid') return 'token has invalid claims: token is not valid yet'
  if (reason === 'issued_in_future') return 'token has invalid claims: token used before issued'
  if (reason === 'signature') return 'token signature is invalid: signature is invalid'
  if (reason === 'malformed') return `token is malformed: ${error.message}`
  return error.message
}

function findRetryAfter(error: ServiceError): { retryAfterSeconds: number } {
  const seconds = (error.details as { retryAfterSeconds?: number } | undefined)?.retryAfterSeconds
  return { retryAfterSeconds: seconds ?? 1 }
}

/** The API version from which on errors are `{ code: "<error_code>", message }`. */
export const ERRORS_BY_NAME_VERSION = '2024-01-01'

/** Whether a client that sent this X-Supabase-Api-Version knows errors by name. */
export function knowsErrorsByName(version: unknown): boolean {
  if (typeof version !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(version)) return false
  return !Number.isNaN(Date.parse(version)) && version >= ERRORS_BY_NAME_VERSION
}

/** The error's body for a client of that version. */
export function toErrorBody(error: WireError, isByName: boolean): Record<string, unknown> {
  if (isByName) return { code: error.code, message: error.message, ...error.more }
  return error.firstVersionBody ?? { code: error.status, error_code: error.code, msg: error.message, ...error.more }
}

function times(values: Record<string, Date | null>): Record<string, string> {
  const set = Object.entries(values).filter((entry): entry is [string, Date] => entry[1] !== null)
  return Object.fromEntries(set.map(([name, date]) => [name, toTime(date)]))
}

/** RFC 3339 has four digits for the year. */
function toTime(date: Date): string {
  const year = date.getUTCFullYear()
  if (year > 9999) return '9999-12-31T23:59:59.999Z'
  return year < 0 ? '0001-01-01T00:00:00Z' : date.toISOString()
}
