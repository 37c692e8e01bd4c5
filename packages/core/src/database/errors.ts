import { errorEntries } from '../errors/entry.ts'

export const DATABASE_ERRORS = errorEntries({
  'database.sql_failed': { kind: 'invalid_input', sentence: 'The database refused the statement.' },
  'database.sql_timeout': { kind: 'invalid_input', sentence: 'The statement took too long and was cancelled.' },
  'database.table_not_found': { kind: 'not_found', sentence: 'There is no such table.' },
  'database.column_not_found': { kind: 'invalid_input', sentence: 'The table has no such column.' },
  'database.unavailable': { kind: 'unavailable', sentence: 'The database cannot be reached just now.' },
  'database.conflict': { kind: 'conflict', sentence: 'The value is in conflict with another one.' },
  'database.timeout': { kind: 'unavailable', sentence: 'The database did not answer in time.' },
})
