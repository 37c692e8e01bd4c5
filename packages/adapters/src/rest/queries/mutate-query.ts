import type { MutatePlan } from '../plan/mutate-plan.ts'
import type { PlannedField } from '../plan/read-plan.ts'
import { conditionOf, embedIsNull } from './conditions.ts'
import { NOTHING, type Sql, columnOf, fromCatalogue, identifier, join, parameter, qualified, sql } from './sql-text.ts'

const COMMA = sql`, `
const AND = sql` AND `
const BODY = { schema: '', name: 'pgrst_body' }

/** The statement of a write, returning what its answer needs. */
export function mutateQuery(plan: MutatePlan): Sql {
  switch (plan.kind) {
    case 'insert':
      return insertQuery(plan)
    case 'update':
      return updateQuery(plan)
    case 'delete':
      return sql`DELETE FROM ${qualified(plan.table)}${whereOf(plan)}${returning(plan)}`
  }
}

function insertQuery(plan: Extract<MutatePlan, { kind: 'insert' }>): Sql {
  const names = plan.columns.map((column) => identifier(column.name))
  const target = names.length === 0 ? NOTHING : sql`(${join(names, COMMA)})`
  const selected = join(
    plan.columns.map((column) => columnOf(BODY, column.name)),
    COMMA,
  )
  const body = bodyRows(plan.columns, plan.isObject, plan.areDefaultsApplied)
  const isMerge = plan.conflict?.resolution === 'merge-duplicates'
  const conditions = [
    // Counts what is inserted, and takes back what the conflict turns into an update: PUT and upsert answer 200 or 201 by it.
    ...(isMerge ? [countInserted(true)] : []),
    ...plan.putConditions.map((each) => conditionOf(BODY, each, embedIsNull)),
  ]
  const where = conditions.length === 0 ? NOTHING : sql` WHERE ${join(conditions, AND)}`
  return sql`INSERT INTO ${qualified(plan.table)}${target} SELECT ${selected} ${body}${where}${onConflict(plan)}${returning(plan)}`
}

function countInserted(isAdded: boolean): Sql {
  const before = sql`coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)`
  return isAdded
    ? sql`set_config('pgrst.inserted', (${before} + 1)::text, true) <> '0'`
    : sql`set_config('pgrst.inserted', (${before} - 1)::text, true) <> '-1'`
}

function onConflict({ conflict, columns }: Extract<MutatePlan, { kind: 'insert' }>): Sql {
  if (conflict === null || conflict.columns.length === 0) return NOTHING
  const target = join(conflict.columns.map(identifier), COMMA)
  if (conflict.resolution === 'ignore-duplicates' || columns.length === 0) return sql` ON CONFLICT (${target}) DO NOTHING`
  const changes = columns.map((column) => sql`${identifier(column.name)} = EXCLUDED.${identifier(column.name)}`)
  return sql` ON CONFLICT (${target}) DO UPDATE SET ${join(changes, COMMA)} WHERE ${countInserted(false)}`
}

function updateQuery(plan: Extract<MutatePlan, { kind: 'update' }>): Sql {
  if (plan.columns.length === 0) {
    // Nothing to set: no row, but with the columns that the answer may select.
    const unqualified = { schema: '', name: plan.table.name }
    const columns = plan.returning.map((column) => columnOf(unqualified, column))
    return sql`SELECT ${columns.length === 0 ? sql`NULL` : join(columns, COMMA)} FROM ${qualified(plan.table)} WHERE false`
  }
  const changes = plan.columns.map((column) => sql`${identifier(column.name)} = ${columnOf(BODY, column.name)}`)
  const body = bodyRows(plan.columns, plan.isObject, plan.areDefaultsApplied)
  return sql`UPDATE ${qualified(plan.table)} SET ${join(changes, COMMA)} ${body}${whereOf(plan)}${returning(plan)}`
}

function whereOf(plan: Exclude<MutatePlan, { kind: 'insert' }>): Sql {
  if (plan.where.length === 0) return NOTHING
  return sql` WHERE ${join(
    plan.where.map((each) => conditionOf(plan.table, each, embedIsNull)),
    AND,
  )}`
}

function returning(plan: MutatePlan): Sql {
  // A constant tells how many rows were written without needing the right to read them.
  if (plan.returning.length === 0) return sql` RETURNING 1`
  return sql` RETURNING ${join(
    plan.returning.map((column) => columnOf(plan.table, column)),
    COMMA,
  )}`
}

/** The rows of the body as `pgrst_body`, with the columns' types. */
export function bodyRows(columns: readonly PlannedField[], isObject: boolean, areDefaultsApplied: boolean, isOnlyFirst = false): Sql {
  const payload = parameter({ kind: 'body' })
  const source = areDefaultsApplied ? sql`${payload}::jsonb` : sql`${payload}::json`
  const from = sql`FROM (SELECT ${source} AS json_data) pgrst_payload, `
  const defaults = areDefaultsApplied ? withDefaults(columns, isObject) : NOTHING
  const value = areDefaultsApplied ? sql`pgrst_json_defs.val` : sql`pgrst_payload.json_data`
  const read = columns.map((column) => {
    const name = identifier(column.name)
    return column.transform === null ? name : sql`${fromCatalogue(column.transform)}(${name}) AS ${name}`
  })
  const lateral = sql`LATERAL (SELECT ${join(read, COMMA)} FROM ${recordsOf(columns, value, isObject, areDefaultsApplied, isOnlyFirst)}) pgrst_body`
  return sql`${from}${defaults}${lateral}`
}

function recordsOf(columns: readonly PlannedField[], value: Sql, isObject: boolean, isBinary: boolean, isOnlyFirst: boolean): Sql {
  if (columns.length === 0) {
    if (isObject) return sql`(values(1)) _`
    return isBinary ? sql`jsonb_array_elements(${value}) _` : sql`json_array_elements(${value}) _`
  }
  const typed = columns.map((column) => sql`${identifier(column.name)} ${fromCatalogue(column.type)}`)
  const records = isBinary
    ? isObject
      ? sql`jsonb_to_record`
      : sql`jsonb_to_recordset`
    : isObject
      ? sql`json_to_record`
      : sql`json_to_recordset`
  return sql`${records}(${value}) AS _(${join(typed, COMMA)})${isOnlyFirst ? sql` LIMIT 1` : NOTHING}`
}

function withDefaults(columns: readonly PlannedField[], isObject: boolean): Sql {
  const pairs = columns
    .filter((column) => column.default !== null)
    .map((column) => sql`${parameter({ kind: 'text', text: column.name })}::text, ${fromCatalogue(column.default ?? '')}`)
  const defaults = sql`jsonb_build_object(${join(pairs, COMMA)})`
  if (isObject) return sql`LATERAL (SELECT ${defaults} || pgrst_payload.json_data AS val) pgrst_json_defs, `
  return sql`LATERAL (SELECT jsonb_agg(${defaults} || elem) AS val FROM jsonb_array_elements(pgrst_payload.json_data) elem) pgrst_json_defs, `
}
