import { errorEntries } from '../errors/entry.ts'

/** Requests that a project makes the server send: hooks, webhooks, identity providers. */
export const OUTGOING_ERRORS = errorEntries({
  'outgoing.url_invalid': { kind: 'invalid_input', sentence: 'The address is not one that requests may be sent to.' },
  'outgoing.address_blocked': { kind: 'invalid_input', sentence: 'The address is not public, and requests may not be sent there.' },
  'outgoing.unreachable': { kind: 'unavailable', sentence: 'The address cannot be reached.' },
  'outgoing.timed_out': { kind: 'unavailable', sentence: 'The address did not answer in time.' },
})
