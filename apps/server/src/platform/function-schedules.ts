import {
  enqueueScheduleRun,
  insertScheduleRun,
  parseCron,
  scheduledRunSchema,
  selectDueSchedules,
  updateNextRun,
  type DueSchedule,
  type ScheduledRun,
} from '@polder/adapters/functions'
import { isServiceError, type Observe } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import type { FunctionCalls } from './function-calls.ts'

export interface FunctionSchedulesDependencies {
  platform: PlatformDatabase
  calls: Pick<FunctionCalls, 'call'>
  getAppKeys(ref: string): Promise<{ serviceRoleKey: string }>
  observe: Observe
}

/** A run that is later than this was missed: the jobs look every minute. */
const LATE_MS = 90_000
const AT_A_TIME = 100
/** How many due times that were missed are counted. */
const MAX_MISSED = 1_000
const TIMEOUT_MS = 400_000
/** Runs of this process at a time; others wait in it. */
const MAX_RUNNING = 16

/** Calls functions when they are due, as the service role. A run that a dying server had begun is not repeated. */
export function createFunctionSchedules({ platform, calls, getAppKeys, observe }: FunctionSchedulesDependencies) {
  const waiting: ScheduledRun[] = []
  let running = 0

  /** Hands out what is due, each to one process, and says when it is due again. */
  async function lookForDue(now = new Date()): Promise<void> {
    for (;;) {
      const count = await platform.transaction().execute(async (tx) => {
        const due = await selectDueSchedules(tx, AT_A_TIME)
        for (const schedule of due) {
          const { run, nextAt } = planRun(schedule, now)
          await updateNextRun(tx, schedule.id, nextAt)
          if (run !== undefined) await enqueueScheduleRun(tx, run)
        }
        return due.length
      })
      if (count < AT_A_TIME) return
    }
  }

  function begin(payload: unknown): void {
    waiting.push(scheduledRunSchema.parse(payload))
    next()
  }

  function next(): void {
    while (running < MAX_RUNNING && waiting.length > 0) {
      const run = waiting.shift() as ScheduledRun
      running += 1
      runOnce(run)
        .catch((cause: unknown) => observe({ kind: 'error', ref: run.ref, code: 'functions.schedule', cause }))
        .finally(() => {
          running -= 1
          next()
        })
    }
  }

  async function runOnce({ id, ref, name, method, path, body, dueAt, missed }: ScheduledRun): Promise<void> {
    const started = performance.now()
    try {
      const { serviceRoleKey } = await getAppKeys(ref)
      const headers = {
        authorization: `Bearer ${serviceRoleKey}`,
        'user-agent': 'Polder-Schedule',
        'x-schedule-id': id,
        ...(body !== null && { 'content-type': 'application/json' }),
      }
      const answer = await calls.call({ ref, name, method, path, headers, body, timeoutMs: TIMEOUT_MS })
      const error = answer.status >= 400 ? answer.body.toString('utf8').slice(0, 500) : null
      const { status, durationMs, requestId } = answer
      await insertScheduleRun(platform, id, { dueAt: new Date(dueAt), status, durationMs, requestId, missed, error })
    } catch (cause) {
      const error = isServiceError(cause) ? cause.message : 'The call could not be made.'
      const durationMs = performance.now() - started
      await insertScheduleRun(platform, id, { dueAt: new Date(dueAt), status: 0, durationMs, requestId: '', missed, error })
      if (!isServiceError(cause)) throw cause
    }
  }

  return {
    lookForDue,
    tasks: {
      function_schedules: () => lookForDue(),
      // What a function does with its time must not keep operations from running: the job is done when the call has begun.
      function_run: async (payload: unknown) => begin(payload),
    },
  }
}

/** Whether a due schedule runs now, for which due time and how many others, and when it is due again. */
export function planRun(schedule: DueSchedule, now: Date): { run: ScheduledRun | undefined; nextAt: Date | null } {
  const cron = parseCron(schedule.cron, schedule.timeZone)
  let dueAt = schedule.dueAt
  let missed = 0
  for (let next = cron.next(dueAt); next !== undefined && next <= now && missed < MAX_MISSED; next = cron.next(dueAt)) {
    dueAt = next
    missed += 1
  }
  const nextAt = cron.next(now) ?? null
  const isLate = now.getTime() - dueAt.getTime() > LATE_MS
  if (isLate && schedule.missedRuns === 'skip') return { run: undefined, nextAt }
  const { id, ref, name, method, path, body } = schedule
  return { run: { id, ref, name, method, path, body, dueAt: dueAt.toISOString(), missed }, nextAt }
}
