/** Schemas as a value of `search_path`. A temporary table must not stand in for a table of the project: unnamed, their schema would be first. */
export function toSearchPath(schemas: readonly string[]): string {
  const names = schemas.filter((schema) => schema !== 'pg_temp').map((schema) => `"${schema.replaceAll('"', '""')}"`)
  return [...names, 'pg_temp'].join(', ')
}
