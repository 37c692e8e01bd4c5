import type { CallCount, Invocation } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { sql } from 'kysely'

/** A call that ended, before it has an id. */
export interface EndedInvocation extends Omit<Invocation, 'id'> {
  ref: string
}

/** Writes ended calls and counts them by the minute, both in one statement each however many they are. */
export async function insertInvocations(db: PlatformDatabase, ended: readonly EndedInvocation[]): Promise<void> {
  if (ended.length === 0) return
  // One JSON text instead of a parameter for each cell: the statement is the same for one call and for a thousand.
  const rows = JSON.stringify(
    ended.map((one) => ({
      ref: one.ref,
      at: one.at,
      name: one.name,
      version: one.version,
      request_id: one.requestId,
      method: one.method,
      path: one.path,
      status: one.status,
      duration_ms: one.durationMs,
      cpu_ms: one.cpuMs,
      memory_mb: one.memoryMb,
      is_cold_start: one.isColdStart,
      error: one.error,
    })),
  )
  await sql`
    with rows as (
      select * from jsonb_to_recordset(${rows}::jsonb) as row (
        ref text, at timestamptz, name text, version integer, request_id text, method text, path text, status integer,
        duration_ms real, cpu_ms real, memory_mb real, is_cold_start boolean, error text)
    ), kept as (
      insert into function_invocations
        (ref, at, name, version, request_id, method, path, status, duration_ms, cpu_ms, memory_mb, is_cold_start, error)
      select ref, at, name, version, request_id, method, path, status, duration_ms, cpu_ms, memory_mb, is_cold_start, error from rows
    )
    insert into function_call_counts as counts (ref, name, minute, calls, errors)
    select ref, name, date_trunc('minute', at), count(*), count(*) filter (where status >= 500)
    from rows group by 1, 2, 3 order by 1, 2, 3
    on conflict (ref, name, minute) do update set calls = counts.calls + excluded.calls, errors = counts.errors + excluded.errors
  `.execute(db)
}

export interface InvocationSelection {
  ref: string
  name?: string | undefined
  onlyErrors?: boolean
  before?: string | undefined
  limit: number
}

/** Calls, the newest first. */
export async function selectInvocations(db: PlatformDatabase, selection: InvocationSelection): Promise<Invocation[]> {
  let query = db
    .selectFrom('function_invocations')
    .select([
      'id',
      'at',
      'name',
      'version',
      'request_id as requestId',
      'method',
      'path',
      'status',
      'duration_ms as durationMs',
      'cpu_ms as cpuMs',
      'memory_mb as memoryMb',
      'is_cold_start as isColdStart',
      'error',
    ])
    .where('ref', '=', selection.ref)
  if (selection.name !== undefined) query = query.where('name', '=', selection.name)
  if (selection.onlyErrors === true) query = query.where('status', '>=', 500)
  if (selection.before !== undefined) query = query.where('id', '<', selection.before)
  return query.orderBy('id', 'desc').limit(selection.limit).execute()
}

/** Calls of each of a project's functions, by the hour. */
export async function selectHourlyCounts(db: PlatformDatabase, ref: string, since: Date): Promise<(CallCount & { name: string })[]> {
  const rows = await db
    .selectFrom('function_call_counts')
    .select(({ fn }) => [
      'name',
      sql<Date>`date_trunc('hour', minute)`.as('at'),
      fn.sum<string>('calls').as('calls'),
      fn.sum<string>('errors').as('errors'),
    ])
    .where('ref', '=', ref)
    .where('minute', '>=', since)
    .groupBy(['name', sql`date_trunc('hour', minute)`])
    .execute()
  return rows.map(({ name, at, calls, errors }) => ({ name, at, calls: Number(calls), errors: Number(errors) }))
}

/** Forgets what is older, of all projects. */
export async function deleteOldInvocations(db: PlatformDatabase, before: Date): Promise<void> {
  await db.deleteFrom('function_invocations').where('at', '<', before).execute()
  await db.deleteFrom('function_call_counts').where('minute', '<', before).execute()
}
