import { toUserJson, type AuditRow, type GeneratedLink, type RefusalDetails, type UserSession } from '@polder/adapters/auth'
import type { ErrorCode, ErrorKind, ServiceError } from '@polder/core'
import type { TokenRejection } from '@polder/db'

/** GoTrue's JSON of a session: flat, with the user inside. */
export function toSessionJson(session: UserSession): Record<string, unknown> {
  return {
    access_token: session.accessToken,
    token_type: 'bearer',
    expires_in: session.expiresIn,
    expires_at: session.expiresAt,
    refresh_token: session.refreshToken,
    user: toUserJson(session.user),
    ...(session.providerToken === undefined ? {} : { provider_token: session.providerToken }),
    ...(session.providerRefreshToken === undefined ? {} : { provider_refresh_token: session.providerRefreshToken }),
    ...(session.weakness === undefined ? {} : { weak_password: session.weakness }),
  }
}

export { toUserJson }

/** GoTrue's JSON of a link that an administrator asked for: the user's members, and the link's beside them. */
export function toLinkJson(link: GeneratedLink): Record<string, unknown> {
  return {
    ...toUserJson(link.user),
    action_link: link.actionLink,
    email_otp: link.emailOtp,
    hashed_token: link.hashedToken,
    verification_type: link.verificationType,
    redirect_to: link.redirectTo,
  }
}

/** GoTrue's JSON of an entry of the log. */
export function toAuditJson(entry: AuditRow): Record<string, unknown> {
  return { id: entry.id, payload: entry.payload, created_at: entry.createdAt.toISOString(), ip_address: entry.ipAddress }
}

/** What the first of the two sides of a change of address is told. */
export const ACCEPTED = 'Confirmation link accepted. Please proceed to confirm link sent to the other email'

/** OAuth's words for a refusal, by its status. */
const OAUTH_ERRORS: Record<number, string> = {
  400: 'invalid_request',
  401: 'unauthorized_client',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
}

/** A refusal as a redirection carries it. */
export function toRedirectError({ status, code, message }: WireError): Record<string, string> {
  const error = OAUTH_ERRORS[status]
  return { ...(error === undefined ? {} : { error }), error_code: code, error_description: message }
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
  'auth.email_disabled': [400, 'email_provider_disabled'],
  'auth.email_logins_disabled': [422, 'email_provider_disabled'],
  'auth.phone_disabled': [400, 'phone_provider_disabled'],
  'auth.phone_logins_disabled': [422, 'phone_provider_disabled'],
  'auth.anonymous_disabled': [422, 'anonymous_provider_disabled'],
  'auth.phone_invalid': [400, 'validation_failed'],
  'auth.phone_exists': [422, 'phone_exists'],
  'auth.phone_not_confirmed': [400, 'phone_not_confirmed'],
  'auth.verify_email_first': [422, 'email_not_confirmed'],
  'auth.verify_phone_first': [422, 'phone_not_confirmed'],
  'auth.otp_expired': [403, 'otp_expired'],
  'auth.otp_disabled': [422, 'otp_disabled'],
  'auth.flow_state_not_found': [404, 'flow_state_not_found'],
  'auth.flow_state_expired': [422, 'flow_state_expired'],
  'auth.code_verifier_invalid': [400, 'bad_code_verifier'],
  'auth.reauthentication_needed': [400, 'reauthentication_needed'],
  'auth.reauthentication_invalid': [422, 'reauthentication_not_valid'],
  'auth.current_password_required': [400, 'current_password_required'],
  'auth.current_password_wrong': [400, 'current_password_invalid'],
  'auth.password_needs_address': [422, 'validation_failed'],
  'auth.captcha_failed': [400, 'captcha_failed'],
  'auth.captcha_unavailable': [500, 'unexpected_failure'],
  'auth.leak_check_unavailable': [500, 'unexpected_failure'],
  'auth.mail_rate_limited': [429, 'over_email_send_rate_limit'],
  'auth.mail_sent_recently': [429, 'over_email_send_rate_limit'],
  'auth.mail_failed': [500, 'unexpected_failure'],
  'auth.sms_rate_limited': [429, 'over_sms_send_rate_limit'],
  'auth.sms_sent_recently': [429, 'over_sms_send_rate_limit'],
  'auth.sms_failed': [422, 'sms_send_failed'],
  'auth.sms_unconfigured': [500, 'unexpected_failure'],
  'auth.hook_failed': [500, 'unexpected_failure'],
  'auth.hook_timeout': [422, 'hook_timeout'],
  'auth.hook_answer_invalid': [400, 'hook_payload_invalid_content_type'],
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
    case 'auth.hook_rejected': {
      const chosen = (error.details as { status?: number } | undefined)?.status ?? status
      return { status: chosen, code: chosen >= 500 ? 'unexpected_failure' : 'unknown', message }
    }
  }
  // these are of what the project has set up, and say what is wrong with it
  if (CODES[error.code] !== undefined && error.kind === 'unavailable') return { status, code, message }
  if (error.kind === 'rate_limited') return { status, code, message, ...findRetryAfter(error) }
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
