import type { Schedule, ScheduleInput, ScheduleRun } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { sql } from 'kysely'
import { z } from 'zod'

/** A schedule that is due, with what running it takes. */
export interface DueSchedule {
  id: string
  ref: string
  name: string
  cron: string
  timeZone: string
  method: string
  path: string
  body: string | null
  missedRuns: 'skip' | 'once'
  dueAt: Date
}

/** One run, as the job queue carries it. */
export const scheduledRunSchema = z.object({
  id: z.string(),
  ref: z.string(),
  name: z.string(),
  method: z.string(),
  path: z.string(),
  body: z.string().nullable(),
  /** ISO text. */
  dueAt: z.string(),
  /** How many other due times it stands for. */
  missed: z.number(),
})

export type ScheduledRun = z.infer<typeof scheduledRunSchema>

const RUN_COLUMNS = ['at', 'due_at as dueAt', 'status', 'duration_ms as durationMs', 'request_id as requestId', 'missed', 'error'] as const

/** A project's schedules, each with its last run. */
export async function selectSchedules(db: PlatformDatabase, ref: string): Promise<Schedule[]> {
  const rows = await db
    .selectFrom('function_schedules')
    .select([
      'id',
      'title',
      'name',
      'cron',
      'time_zone as timeZone',
      'method',
      'path',
      'body',
      'missed_runs as missedRuns',
      'is_enabled as isEnabled',
      'next_at as nextAt',
      'created_at as createdAt',
    ])
    .where('ref', '=', ref)
    .orderBy('created_at')
    .execute()
  const runs = await db
    .selectFrom('function_schedule_runs')
    .distinctOn('schedule_id')
    .select(['schedule_id', ...RUN_COLUMNS])
    .where('schedule_id', 'in', rows.length === 0 ? [null as unknown as string] : rows.map(({ id }) => id))
    .orderBy('schedule_id')
    .orderBy('id', 'desc')
    .execute()
  const lastRuns = new Map(runs.map(({ schedule_id: id, ...run }) => [id, run]))
  return rows.map((row) => ({ ...row, lastRun: lastRuns.get(row.id) ?? null }))
}

export async function insertSchedule(tx: PlatformDatabase, ref: string, input: ScheduleInput, nextAt: Date | null): Promise<string> {
  const { id } = await tx
    .insertInto('function_schedules')
    .values({ ref, ...toRow(input), next_at: nextAt })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export async function updateSchedule(
  tx: PlatformDatabase,
  ref: string,
  id: string,
  input: ScheduleInput,
  nextAt: Date | null,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('function_schedules')
    .set({ ...toRow(input), next_at: nextAt })
    .where('ref', '=', ref)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function deleteSchedule(tx: PlatformDatabase, ref: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('function_schedules').where('ref', '=', ref).where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

export async function countSchedules(db: PlatformDatabase, ref: string): Promise<number> {
  const { count } = await db
    .selectFrom('function_schedules')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('ref', '=', ref)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/**
 * Those that are due, by the database's clock, held for this transaction: another process that looks at the same time sees the
 * others. Of projects that are active only.
 */
export async function selectDueSchedules(tx: PlatformDatabase, limit: number): Promise<DueSchedule[]> {
  return tx
    .selectFrom('function_schedules')
    .innerJoin('projects', 'projects.ref', 'function_schedules.ref')
    .select([
      'function_schedules.id',
      'function_schedules.ref',
      'function_schedules.name',
      'function_schedules.cron',
      'function_schedules.time_zone as timeZone',
      'function_schedules.method',
      'function_schedules.path',
      'function_schedules.body',
      'function_schedules.missed_runs as missedRuns',
      sql<Date>`function_schedules.next_at`.as('dueAt'),
    ])
    .where('function_schedules.next_at', '<=', sql<Date>`now()`)
    .where('projects.status', '=', 'active')
    .orderBy('function_schedules.next_at')
    .limit(limit)
    .forUpdate('function_schedules')
    .skipLocked()
    .execute()
}

/** Puts the run into the job queue, in the transaction that says when the schedule is due again. */
export async function enqueueScheduleRun(tx: PlatformDatabase, run: ScheduledRun): Promise<void> {
  await sql`select graphile_worker.add_job('function_run', ${JSON.stringify(run)}::json, max_attempts := 1)`.execute(tx)
}

export async function updateNextRun(tx: PlatformDatabase, id: string, nextAt: Date | null): Promise<void> {
  await tx.updateTable('function_schedules').set({ next_at: nextAt }).where('id', '=', id).execute()
}

/** Writes down a run, and forgets all but the last hundred of the schedule. */
export async function insertScheduleRun(db: PlatformDatabase, scheduleId: string, run: Omit<ScheduleRun, 'at'>): Promise<void> {
  await db
    .insertInto('function_schedule_runs')
    .columns(['schedule_id', 'due_at', 'status', 'duration_ms', 'request_id', 'missed', 'error'])
    // The schedule may be gone by now.
    .expression((from) =>
      from
        .selectFrom('function_schedules')
        .select(({ val }) => [
          'id',
          sql<Date>`${run.dueAt}::timestamptz`.as('due_at'),
          sql<number>`${run.status}::integer`.as('status'),
          sql<number>`${run.durationMs}::real`.as('duration_ms'),
          val(run.requestId).as('request_id'),
          sql<number>`${run.missed}::integer`.as('missed'),
          sql<string | null>`${run.error}::text`.as('error'),
        ])
        .where('id', '=', scheduleId),
    )
    .execute()
  await db
    .deleteFrom('function_schedule_runs')
    .where('schedule_id', '=', scheduleId)
    .where('id', 'not in', (from) =>
      from.selectFrom('function_schedule_runs').select('id').where('schedule_id', '=', scheduleId).orderBy('id', 'desc').limit(100),
    )
    .execute()
}

/** A schedule's last runs, the newest first. */
export async function selectScheduleRuns(db: PlatformDatabase, ref: string, id: string): Promise<ScheduleRun[]> {
  return db
    .selectFrom('function_schedule_runs')
    .innerJoin('function_schedules', 'function_schedules.id', 'function_schedule_runs.schedule_id')
    .select([
      'function_schedule_runs.at',
      'function_schedule_runs.due_at as dueAt',
      'function_schedule_runs.status',
      'function_schedule_runs.duration_ms as durationMs',
      'function_schedule_runs.request_id as requestId',
      'function_schedule_runs.missed',
      'function_schedule_runs.error',
    ])
    .where('function_schedules.ref', '=', ref)
    .where('function_schedules.id', '=', id)
    .orderBy('function_schedule_runs.id', 'desc')
    .limit(100)
    .execute()
}

function toRow(input: ScheduleInput) {
  return {
    title: input.title,
    name: input.name,
    cron: input.cron,
    time_zone: input.timeZone,
    method: input.method,
    path: input.path,
    body: input.body,
    missed_runs: input.missedRuns,
    is_enabled: input.isEnabled,
  }
}
