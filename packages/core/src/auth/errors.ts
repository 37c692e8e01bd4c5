import { errorEntries } from '../errors/entry.ts'

/** The wire format of GoTrue (status, error_code, message) stands in the gateway's auth/wire.ts. */
export const AUTH_ERRORS = errorEntries({
  'auth.validation_failed': { kind: 'invalid_input', sentence: 'The request is not valid.' },
  'auth.email_invalid': { kind: 'invalid_input', sentence: 'Unable to validate email address: invalid format' },
  'auth.weak_password': { kind: 'invalid_input', sentence: 'Password should be at least 6 characters.' },
  'auth.email_taken': { kind: 'conflict', sentence: 'User already registered' },
  'auth.invalid_credentials': { kind: 'unauthenticated', sentence: 'Invalid login credentials' },
  'auth.email_not_confirmed': { kind: 'forbidden', sentence: 'Email not confirmed' },
  'auth.signup_disabled': { kind: 'forbidden', sentence: 'Signups not allowed for this instance' },
  'auth.user_not_found': { kind: 'not_found', sentence: 'User not found' },
  'auth.user_banned': { kind: 'forbidden', sentence: 'User is banned' },
  'auth.session_not_found': { kind: 'forbidden', sentence: 'Session from session_id claim in JWT does not exist' },
  'auth.refresh_token_not_found': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: Refresh Token Not Found' },
  'auth.refresh_token_already_used': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: Already Used' },
  'auth.no_authorization': { kind: 'unauthenticated', sentence: 'This endpoint requires a valid Bearer token' },
  'auth.not_admin': { kind: 'forbidden', sentence: 'User not allowed' },
  'auth.same_password': { kind: 'invalid_input', sentence: 'New password should be different from the old password.' },
  'auth.grant_unsupported': { kind: 'invalid_input', sentence: 'Unsupported grant type' },
})
