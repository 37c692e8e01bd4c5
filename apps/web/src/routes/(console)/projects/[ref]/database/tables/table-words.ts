import type { Table } from '#lib/data/wire.ts'

const KINDS: Record<Table['kind'], string> = {
  table: 'table',
  view: 'view',
  materialized_view: 'materialized view',
  partitioned_table: 'partitioned table',
  foreign_table: 'foreign table',
}

/** What a relation is, for people. */
export function toKindText(kind: Table['kind']): string {
  return KINDS[kind]
}

/** The page of a table; names may hold anything that Postgres takes. */
export function toTablePath(base: string, { schema, name }: { schema: string; name: string }): string {
  return `${base}/${encodeURIComponent(schema)}/${encodeURIComponent(name)}`
}
