import { errorEntries } from '../errors/entry.ts'

/** The wire format of GoTrue (status, error_code, message) stands in the gateway's auth/wire.ts. */
export const AUTH_ERRORS = errorEntries({
  'auth.validation_failed': { kind: 'invalid_input', sentence: 'The request is not valid.' },
  'auth.email_invalid': { kind: 'invalid_input', sentence: 'Unable to validate email address: invalid format' },
  'auth.weak_password': { kind: 'invalid_input', sentence: 'Password should be at least 6 characters.' },
  'auth.email_taken': { kind: 'conflict', sentence: 'User already registered' },
  'auth.email_exists': { kind: 'conflict', sentence: 'A user with this email address has already been registered' },
  'auth.id_taken': { kind: 'conflict', sentence: 'A user with this id exists already' },
  'auth.invalid_credentials': { kind: 'unauthenticated', sentence: 'Invalid login credentials' },
  'auth.email_not_confirmed': { kind: 'forbidden', sentence: 'Email not confirmed' },
  'auth.email_change_unavailable': {
    kind: 'invalid_input',
    sentence: 'A new email address needs confirmation by mail, and this project cannot send mail yet',
  },
  'auth.signup_disabled': { kind: 'forbidden', sentence: 'Signups not allowed for this instance' },
  'auth.user_not_found': { kind: 'not_found', sentence: 'User not found' },
  'auth.user_gone': { kind: 'forbidden', sentence: 'User from sub claim in JWT does not exist' },
  'auth.user_banned': { kind: 'forbidden', sentence: 'User is banned' },
  'auth.token_user_banned': { kind: 'forbidden', sentence: 'User is banned' },
  'auth.session_not_found': { kind: 'forbidden', sentence: 'Session from session_id claim in JWT does not exist' },
  'auth.session_expired': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: Session Expired' },
  'auth.refresh_token_not_found': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: Refresh Token Not Found' },
  'auth.refresh_token_already_used': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: Already Used' },
  'auth.refresh_user_banned': { kind: 'invalid_input', sentence: 'Invalid Refresh Token: User Banned' },
  'auth.no_authorization': { kind: 'unauthenticated', sentence: 'This endpoint requires a valid Bearer token' },
  'auth.claim_invalid': { kind: 'forbidden', sentence: 'invalid claim: missing sub claim' },
  'auth.not_admin': { kind: 'forbidden', sentence: 'User not allowed' },
  'auth.same_password': { kind: 'invalid_input', sentence: 'New password should be different from the old password.' },
  'auth.grant_unsupported': { kind: 'invalid_input', sentence: 'Unsupported grant type' },
  'auth.database_error': { kind: 'invalid_input', sentence: "The project's database refused the change." },
})
