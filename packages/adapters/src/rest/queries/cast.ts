import { type Sql, fromCatalogue, identifier, sql } from './sql-text.ts'

// Postgres reads these only as words of its grammar; in quotes they would be names of types that are not there.
const SPELLINGS = [
  'bigint',
  'bit',
  'bit varying',
  'boolean',
  'char',
  'char varying',
  'character',
  'character varying',
  'dec',
  'decimal',
  'double precision',
  'float',
  'int',
  'integer',
  'interval',
  'national char',
  'national character',
  'nchar',
  'numeric',
  'real',
  'smallint',
  'time',
  'time with time zone',
  'time without time zone',
  'timestamp',
  'timestamp with time zone',
  'timestamp without time zone',
  'varchar',
] as const
const BY_SPELLING = new Map(SPELLINGS.map((spelling): [string, Sql] => [spelling, fromCatalogue(spelling)]))

/** A type that a request named, as its unquoted name would be read: in lower case, Postgres' own words as such, else quoted. */
export function typeName(requested: string): Sql {
  const folded = requested.toLowerCase().replaceAll(/\s+/g, ' ')
  return BY_SPELLING.get(folded) ?? identifier(folded)
}

export function applyCast(value: Sql, cast: string | null): Sql {
  return cast === null ? value : sql`CAST( ${value} AS ${typeName(cast)} )`
}
