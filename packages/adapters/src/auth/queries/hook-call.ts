import type { CallerStatement } from '@polder/db'

/** A call of a hook's function with the payload; both names were checked to be plain ones. */
export function toHookStatement(schema: string, name: string, payload: string, timeoutMs: number): CallerStatement {
  return {
    before: `select pg_catalog.set_config('statement_timeout', '${timeoutMs}', true)`,
    text: `select "${schema}"."${name}"($1::pg_catalog.jsonb)::pg_catalog.text`,
    values: [payload],
    isReadOnly: false,
    request: { method: 'POST', path: '/', headers: '{}', cookies: '{}' },
    searchPath: ['public', 'extensions'],
  }
}
