import { type StatementTemplate, constant, sql, toTemplate } from './sql-text.ts'

/** What the caller may use of a schema, as one JSON object. */
export function accessStatement(namespace: string): StatementTemplate {
  return toTemplate(sql`SELECT pg_catalog.json_build_object(
    'tables', (SELECT coalesce(pg_catalog.json_agg(c.relname), '[]') FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (
        pg_catalog.pg_has_role(c.relowner, 'USAGE')
        OR pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
        OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))),
    'routines', (SELECT coalesce(pg_catalog.json_agg(p.proname), '[]') FROM pg_catalog.pg_proc p WHERE p.pronamespace = n.oid
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')),
    'description', pg_catalog.obj_description(n.oid, 'pg_namespace'))
    FROM pg_catalog.pg_namespace n WHERE n.nspname = ${constant(namespace)}`)
}
