import { errorEntries } from '../errors/entry.ts'

/** The wire format of Supabase's relay (BOOT_ERROR, WORKER_LIMIT …) stands in the gateway's functions/wire.ts. */
export const FUNCTIONS_ERRORS = errorEntries({
  'functions.not_found': { kind: 'not_found', sentence: 'Requested function was not found' },
  'functions.version_not_found': { kind: 'not_found', sentence: 'The function has no such version.' },
  'functions.schedule_not_found': { kind: 'not_found', sentence: 'There is no such schedule.' },
  'functions.name_invalid': { kind: 'invalid_input', sentence: 'The name of the function is not valid.' },
  'functions.source_invalid': { kind: 'invalid_input', sentence: 'The files of the function are not valid.' },
  'functions.source_too_large': { kind: 'too_large', sentence: 'The files of the function are too large.' },
  'functions.bundle_failed': { kind: 'invalid_input', sentence: 'The function cannot be bundled.' },
  'functions.boot_failed': { kind: 'invalid_input', sentence: 'The new version does not start, so the old one goes on serving.' },
  'functions.secret_name_invalid': { kind: 'invalid_input', sentence: 'The name of the secret is not allowed.' },
  'functions.schedule_invalid': { kind: 'invalid_input', sentence: 'The schedule is not valid.' },
  'functions.limit_reached': { kind: 'conflict', sentence: 'The project takes no more of these.' },
  'functions.crashed': { kind: 'internal', sentence: 'Function exited due to an error (please check logs)' },
  'functions.resource_limit': {
    kind: 'unavailable',
    sentence: 'Function failed due to not having enough compute resources (please check logs)',
  },
  'functions.timed_out': { kind: 'unavailable', sentence: 'The function did not answer in time.' },
  'functions.busy': { kind: 'rate_limited', sentence: 'The function runs as many calls at a time as it may.' },
  'functions.unavailable': { kind: 'unavailable', sentence: 'This server cannot run functions.' },
})
