import type { CallCount, Invocation } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { sql } from 'kysely'

/** A call that ended, before it has an id. */
export interface EndedInvocation extends Omit<Invocation, 'id'> {
  ref: string
}

/** Calls of a function in one minute. */
export interface CallCounts {
  ref: string
  name: string
  minute: Date
  calls: number
  errors: number
}

/** Writes ended calls, in one statement however many they are. */
export async function insertInvocations(db: PlatformDatabase, ended: readonly EndedInvocation[]): Promise<void> {
  if (ended.length === 0) return
  await db
    .insertInto('function_invocations')
    .values(
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
    .execute()
}

/** Adds to what is counted; in the order of the keys, so that two processes do not wait for each other. */
export async function addCallCounts(db: PlatformDatabase, counts: readonly CallCounts[]): Promise<void> {
  if (counts.length === 0) return
  const toKey = ({ ref, name, minute }: CallCounts) => `${ref} ${name} ${minute.toISOString()}`
  await db
    .insertInto('function_call_counts')
    .values(counts.toSorted((a, b) => (toKey(a) < toKey(b) ? -1 : 1)))
    .onConflict((conflict) =>
      conflict.columns(['ref', 'name', 'minute']).doUpdateSet((row) => ({
        calls: sql<number>`function_call_counts.calls + ${row.ref('excluded.calls')}`,
        errors: sql<number>`function_call_counts.errors + ${row.ref('excluded.errors')}`,
      })),
    )
    .execute()
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
