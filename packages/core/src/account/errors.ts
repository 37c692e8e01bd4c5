import { errorEntries } from '../errors/entry.ts'

export const ACCESS_ERRORS = errorEntries({
  'access.unauthenticated': { kind: 'unauthenticated', sentence: 'Sign in first.' },
  'access.token_invalid': { kind: 'unauthenticated', sentence: 'The access token is not valid, has expired or was revoked.' },
  'access.forbidden': { kind: 'forbidden', sentence: 'Your role does not allow this.' },
  'access.key_missing': { kind: 'unauthenticated', sentence: 'No API key found in request' },
  'access.key_invalid': { kind: 'unauthenticated', sentence: 'Invalid API key' },
  'access.jwt_invalid': { kind: 'unauthenticated', sentence: 'The JWT is not valid for this project.' },
  'access.jwt_expired': { kind: 'unauthenticated', sentence: 'The JWT has expired.' },
})

export const ACCOUNT_ERRORS = errorEntries({
  'account.credentials_invalid': { kind: 'unauthenticated', sentence: 'E-mail or password is wrong.' },
  'account.password_wrong': { kind: 'forbidden', sentence: 'The current password is wrong.' },
  'account.password_weak': { kind: 'invalid_input', sentence: 'The password is too short or too common.' },
  'account.email_taken': { kind: 'conflict', sentence: 'There is an account with this e-mail already.' },
  'account.sign_up_closed': { kind: 'forbidden', sentence: 'Sign-up is closed on this installation; ask for an invitation.' },
  'account.session_not_found': { kind: 'not_found', sentence: 'There is no such session.' },
  'account.token_not_found': { kind: 'not_found', sentence: 'There is no such access token.' },
  'account.token_limit': { kind: 'conflict', sentence: 'There are too many access tokens; revoke one first.' },
  'account.disabled': { kind: 'forbidden', sentence: 'This account is disabled.' },
})
