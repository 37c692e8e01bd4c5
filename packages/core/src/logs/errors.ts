import { errorEntries } from '../errors/entry.ts'

export const LOGS_ERRORS = errorEntries({
  'logs.unavailable': { kind: 'unavailable', sentence: 'The log cannot be read just now; lines are kept until it can be written again.' },
  'logs.query_not_found': { kind: 'not_found', sentence: 'There is no such saved query.' },
  'logs.limit_reached': { kind: 'conflict', sentence: 'The project has as many of these as it may have.' },
})
