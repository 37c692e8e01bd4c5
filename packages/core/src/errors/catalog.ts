import { ACCESS_ERRORS, ACCOUNT_ERRORS } from '../account/errors.ts'
import { AUTH_ERRORS } from '../auth/errors.ts'
import { DATABASE_ERRORS } from '../database/errors.ts'
import { LOGS_ERRORS } from '../logs/errors.ts'
import { FUNCTIONS_ERRORS } from '../functions/errors.ts'
import { OUTGOING_ERRORS } from '../outgoing/errors.ts'
import { ORGANIZATION_ERRORS } from '../organization/errors.ts'
import { PROJECT_ERRORS } from '../project/errors.ts'
import { REALTIME_ERRORS } from '../realtime/errors.ts'
import { REST_ERRORS } from '../rest/errors.ts'
import { STORAGE_ERRORS } from '../storage/errors.ts'
import { errorEntries, type ErrorEntry } from './entry.ts'

const SYSTEM_ERRORS = errorEntries({
  'request.invalid': { kind: 'invalid_input', sentence: 'The request is not of the form that this call takes.' },
  'request.not_found': { kind: 'not_found', sentence: 'There is nothing at this address.' },
  'request.abandoned': { kind: 'invalid_input', sentence: 'Whoever asked has gone before there was an answer.' },
  'request.too_large': { kind: 'too_large', sentence: 'The request is larger than this call takes.' },
  'request.rate_limited': { kind: 'rate_limited', sentence: 'Too many requests; try again later.' },
  'request.cross_site': { kind: 'forbidden', sentence: 'The request comes from another site.' },
  'system.unexpected': { kind: 'internal', sentence: 'Something went wrong on our side; the request id finds it in the log.' },
  'system.unavailable': { kind: 'unavailable', sentence: 'The service is not available just now; try again.' },
  'system.busy': { kind: 'unavailable', sentence: 'The server is busy; try again in a moment.' },
})

/** Every error code of the system, with its kind and sentence; docs/errors.md is compared with it. */
export const ERROR_CATALOG = {
  ...SYSTEM_ERRORS,
  ...ACCESS_ERRORS,
  ...ACCOUNT_ERRORS,
  ...ORGANIZATION_ERRORS,
  ...PROJECT_ERRORS,
  ...DATABASE_ERRORS,
  ...AUTH_ERRORS,
  ...REALTIME_ERRORS,
  ...REST_ERRORS,
  ...FUNCTIONS_ERRORS,
  ...STORAGE_ERRORS,
  ...OUTGOING_ERRORS,
  ...LOGS_ERRORS,
} satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERROR_CATALOG
