import type { PlanOption } from '../parse/media-type.ts'
import type { CallPlan } from '../plan/call-plan.ts'
import type { MutatePlan } from '../plan/mutate-plan.ts'
import type { BodyFormat } from '../plan/negotiate.ts'
import type { ReadNode } from '../plan/read-plan.ts'
import { type Routine, isScalar, isSetOfScalar } from '../schema/schema.ts'
import { callQuery } from './call-query.ts'
import { toArrayLiteral } from './conditions.ts'
import { mutateQuery } from './mutate-query.ts'
import { countQuery, readQuery } from './read-query.ts'
import { NOTHING, type Sql, constant, join, qualified, sql } from './sql-text.ts'

/** The columns of every statement's one row, in order: the body last, since it may be long and the rest has to be known before. */
export const RESULT = { total: 0, count: 1, location: 2, headers: 3, status: 4, inserted: 5, body: 6 } as const

const NULL = sql`NULL`
const HEADERS = sql`nullif(current_setting('response.headers', true), '')`
const STATUS = sql`nullif(current_setting('response.status', true), '')`
const COUNT = sql`pg_catalog.count(*)`

/** How many rows a write may touch: exactly one, at most so many, or any number. */
export type RowGuard = 'one' | { most: number } | null

/** Begins the text of an error that is our own: the number of rows follows. */
export const GUARD_MARK = 'rows refused: '

/**
 * The number of rows, or an error that takes the write back where there are more or fewer than may be: the failing cast ends
 * the transaction in the same round trip, where asking first would need another one.
 */
function guardedCount(count: Sql, guard: RowGuard): Sql {
  if (guard === null) return count
  const isAllowed = guard === 'one' ? sql`${count} = 1` : sql`${count} <= ${constant(String(guard.most))}::bigint`
  return sql`CASE WHEN ${isAllowed} THEN ${count} ELSE (${constant(GUARD_MARK)}::text || ${count})::bigint END`
}

interface Result {
  total?: Sql
  count?: Sql
  location?: Sql
  body: Sql
  inserted?: Sql
}

function resultColumns({ total = NULL, count = COUNT, location = NULL, body, inserted = NULL }: Result): Sql {
  return join([total, count, location, HEADERS, STATUS, inserted, body], sql`, `)
}

export interface ReadStatementOptions {
  format: BodyFormat
  count: 'exact' | 'planned' | 'estimated' | null
  /** Estimates are for counts above it. */
  maxRows: number | null
}

export function readStatement(read: ReadNode, { format, count, maxRows }: ReadStatementOptions): Sql {
  const isCounted = count === 'exact' || count === 'estimated'
  const body = bodyOf(format, null)
  if (!isCounted && format.kind !== 'csv') return sql`SELECT ${resultColumns({ body })} FROM (${readQuery(read)}) _postgrest_t`
  const limited = count === 'estimated' && maxRows !== null ? sql` LIMIT ${constant(String(maxRows + 1))}` : NOTHING
  const counting = isCounted ? sql`, pgrst_source_count AS (${countQuery(read)}${limited})` : NOTHING
  const total = isCounted ? sql`(SELECT pg_catalog.count(*) FROM pgrst_source_count)` : NULL
  return sql`WITH pgrst_source AS (${readQuery(read)})${counting} SELECT ${resultColumns({ total, body })} FROM (SELECT * FROM pgrst_source) _postgrest_t`
}

/** Asks the planner how many rows there are. */
export function estimateStatement(read: ReadNode): Sql {
  return sql`EXPLAIN (FORMAT JSON) ${countQuery(read)}`
}

export function mutateStatement(plan: MutatePlan, read: ReadNode, format: BodyFormat, isLocated: boolean, guard: RowGuard): Sql {
  const isUpsert = plan.kind === 'insert' && plan.conflict?.resolution === 'merge-duplicates'
  const columns = resultColumns({
    count: guardedCount(COUNT, guard),
    location: isLocated && plan.kind === 'insert' && plan.primaryKey.length > 0 ? locationOf(plan.primaryKey) : NULL,
    body: bodyOf(format, null),
    inserted: isUpsert ? sql`nullif(current_setting('pgrst.inserted', true), '')::int` : NULL,
  })
  const rows = format.kind === 'none' ? sql`SELECT * FROM pgrst_source` : readQuery(read)
  return sql`WITH pgrst_source AS (${mutateQuery(plan)}) SELECT ${columns} FROM (${rows}) _postgrest_t`
}

function locationOf(primaryKey: readonly string[]): Sql {
  const row = sql`(SELECT row_to_json(s) AS r FROM pgrst_source s LIMIT 1) d`
  const keys = constant(toArrayLiteral(primaryKey))
  return sql`CASE WHEN ${COUNT} = 1 THEN (SELECT json_agg(json_build_array(j.key, j.value)) FROM ${row}, json_each_text(d.r) j WHERE j.key = ANY(${keys}::text[])) END`
}

export function callStatement(plan: CallPlan, read: ReadNode, format: BodyFormat, isCounted: boolean, guard: RowGuard): Sql {
  const counting = isCounted ? sql`, pgrst_source_count AS (${countQuery(read)})` : NOTHING
  const columns = resultColumns({
    total: isCounted ? sql`(SELECT pg_catalog.count(*) FROM pgrst_source_count)` : NULL,
    count: plan.routine.isSet ? guardedCount(COUNT, guard) : sql`1`,
    body: bodyOf(format, plan.routine),
  })
  return sql`WITH pgrst_source AS (${callQuery(plan)})${counting} SELECT ${columns} FROM (${readQuery(read)}) _postgrest_t`
}

/** Calls the function that a project has run before each request. */
export function preRequestStatement(name: string): Sql {
  const dot = name.indexOf('.')
  const [schema, own] = dot === -1 ? ['', name] : [name.slice(0, dot), name.slice(dot + 1)]
  return sql`SELECT ${qualified({ schema, name: own })}()`
}

const OPTIONS: Record<PlanOption, Sql> = {
  analyze: sql`, ANALYZE`,
  verbose: sql`, VERBOSE`,
  settings: sql`, SETTINGS`,
  buffers: sql`, BUFFERS`,
  wal: sql`, WAL`,
}

export function explained(statement: Sql, format: 'json' | 'text', options: readonly PlanOption[]): Sql {
  const wanted = join(
    options.map((option) => OPTIONS[option]),
    NOTHING,
  )
  return sql`EXPLAIN (FORMAT ${format === 'json' ? sql`JSON` : sql`TEXT`}${wanted}) ${statement}`
}

function bodyOf(format: BodyFormat, routine: Routine | null): Sql {
  const isValue = routine !== null && isScalar(routine)
  switch (format.kind) {
    case 'none':
      return sql`''`
    case 'array': {
      const isSingle = routine !== null && !routine.isSet
      const item = isValue || (routine !== null && isSetOfScalar(routine)) ? sql`_postgrest_t.pgrst_scalar` : sql`_postgrest_t`
      const rows = sql`json_agg(${item})`
      if (isSingle) return sql`coalesce(${stripped(sql`${rows}->0`, format.isStripped)}, 'null')`
      return sql`coalesce(${stripped(rows, format.isStripped)}, '[]')`
    }
    case 'single': {
      const item = isValue ? sql`_postgrest_t.pgrst_scalar` : sql`_postgrest_t`
      return sql`coalesce(${stripped(sql`json_agg(${item})->0`, format.isStripped)}, 'null')`
    }
    case 'csv':
      return csvBody()
    case 'geojson':
      return sql`json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))`
    case 'custom': {
      const { handler } = format
      if (isValue) return sql`${qualified(handler.function)}(_postgrest_t.pgrst_scalar)`
      if (handler.target === null) return sql`${qualified(handler.function)}(_postgrest_t)`
      return sql`${qualified(handler.function)}(_postgrest_t::${qualified(handler.target)})`
    }
  }
}

function stripped(value: Sql, isStripped: boolean): Sql {
  return isStripped ? sql`json_strip_nulls(${value})` : value
}

function csvBody(): Sql {
  const keys = sql`SELECT json_object_keys(r)::text AS k FROM (SELECT row_to_json(h) AS r FROM pgrst_source h LIMIT 1) s`
  const header = sql`(SELECT coalesce(string_agg(a.k, ','), '') FROM (${keys}) a)`
  const line = sql`substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2)`
  return sql`${header} || chr(10) || coalesce(string_agg(${line}, chr(10)), '')`
}
