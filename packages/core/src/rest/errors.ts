import { errorEntries } from '../errors/entry.ts'

/** PostgREST's own codes (PGRSTnnn) and statuses stand in the gateway's rest/wire.ts. */
export const REST_ERRORS = errorEntries({
  'rest.query_invalid': { kind: 'invalid_input', sentence: 'The query string cannot be parsed.' },
  'rest.body_invalid': { kind: 'invalid_input', sentence: 'The body cannot be parsed.' },
  'rest.relation_not_found': { kind: 'not_found', sentence: 'The table or view is not in the schema cache.' },
  'rest.column_not_found': { kind: 'invalid_input', sentence: 'The column is not in the schema cache.' },
  'rest.relationship_not_found': { kind: 'invalid_input', sentence: 'No relationship between the tables was found.' },
  'rest.relationship_ambiguous': { kind: 'invalid_input', sentence: 'More than one relationship was found.' },
  'rest.function_not_found': { kind: 'not_found', sentence: 'The function is not in the schema cache.' },
  'rest.not_singular': { kind: 'invalid_input', sentence: 'The result does not have exactly one row.' },
  'rest.range_unsatisfiable': { kind: 'invalid_input', sentence: 'Requested range not satisfiable' },
  'rest.media_type_unsupported': { kind: 'invalid_input', sentence: 'None of these media types are available.' },
  'rest.schema_not_exposed': { kind: 'invalid_input', sentence: 'The schema is not exposed.' },
  'rest.method_not_allowed': { kind: 'invalid_input', sentence: 'The method is not allowed here.' },
  'rest.preference_invalid': { kind: 'invalid_input', sentence: 'A preference is not known.' },
  'rest.database_error': { kind: 'invalid_input', sentence: 'The database refused the statement.' },
})
