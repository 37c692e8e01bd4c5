import { hostname } from 'node:os'
import { EventEmitter } from 'node:events'
import type { Observe } from '@polder/core'
import { deleteServerProcess, holdServerProcess, makeClient, releaseDeadProcesses, type PlatformDatabase } from '@polder/db'
import { Logger, parseCronItems, run, runMigrations, type Runner } from 'graphile-worker'
import type { OperationRunner } from './operation-runner.ts'

type PlatformPool = Parameters<typeof runMigrations>[0]['pgPool'] & {}
type ConnectionConfig = Parameters<typeof makeClient>[0]

export interface OperationWorkerOptions {
  platform: PlatformDatabase
  pool: PlatformPool
  /** For the one connection whose session says that this process lives. */
  connection: ConnectionConfig
  runner: OperationRunner
  observe: Observe
  /** Other jobs by name. */
  tasks?: Record<string, (payload: unknown) => Promise<void>>
  /** Those of them that are begun every minute. */
  everyMinute?: readonly string[]
  /** How many operations this process runs at a time. */
  concurrency?: number
  /** How often it looks for processes that died. */
  lookEveryMs?: number
}

export interface OperationWorker {
  /** Takes no more work and waits for what is running. */
  stop(): Promise<void>
}

/** The tables of the job queue, before anything is put into it. Cheap when they are there. */
export async function migrateJobs(pool: PlatformPool, observe: Observe): Promise<void> {
  await runMigrations({ pgPool: pool, logger: toLogger(observe) })
}

/** Runs operations as jobs, and takes over those of processes that died. */
export async function startOperationWorker(options: OperationWorkerOptions): Promise<OperationWorker> {
  const { platform, observe } = options
  const stopping = new AbortController()
  const events = new EventEmitter()
  const registered = Promise.withResolvers<void>()
  let presence: { close(): Promise<void> } | undefined
  let workerId = ''
  events.once('pool:create', ({ workerPool }: { workerPool: { id: string } }) => {
    workerId = workerPool.id
    keepPresence(options, workerId, stopping.signal).then((kept) => {
      presence = kept
      registered.resolve()
    }, registered.reject)
  })
  const runner: Runner = await run({
    pgPool: options.pool,
    taskList: { operation: (payload) => options.runner.run((payload as { id: string }).id), ...options.tasks },
    // Of several processes one gets each minute's job.
    parsedCronItems: parseCronItems(
      (options.everyMinute ?? []).map((task) => ({ task, match: '* * * * *', options: { backfillPeriod: 0, maxAttempts: 1 } })),
    ),
    noHandleSignals: true,
    concurrency: options.concurrency ?? 10,
    // New jobs are told of at once; this is for what was missed while the connection was away.
    pollInterval: 5000,
    // Asked before every look for work: no job is taken before the row stands that tells others of our death.
    forbiddenFlags: () => registered.promise.then(() => []),
    events,
    logger: toLogger(observe),
  })
  runner.promise.catch((cause: unknown) => observe({ kind: 'error', code: 'system.unexpected', cause }))
  await registered.promise
  await look()
  const timer = setInterval(() => void look(), options.lookEveryMs ?? 4000)
  timer.unref()

  async function look(): Promise<void> {
    try {
      const count = await releaseDeadProcesses(platform)
      if (count > 0)
        observe({
          kind: 'server',
          event: 'warning',
          message: `${count} server process(es) had ended without a stop; their unfinished operations go on here.`,
        })
    } catch {
      // The platform database is away; the next look finds what this one would have.
    }
  }

  return {
    async stop() {
      clearInterval(timer)
      await runner.stop()
      stopping.abort()
      await deleteServerProcess(platform, workerId).catch(() => {})
      await presence?.close()
    },
  }
}

/** Holds the lock that says that we live, and takes it again when its connection is lost. */
async function keepPresence(options: OperationWorkerOptions, workerId: string, signal: AbortSignal) {
  let client = await hold()

  async function hold() {
    const next = makeClient({ ...options.connection, keepAlive: true, application_name: 'polder_presence' })
    next.once('end', () => void holdAgain())
    try {
      await next.connect()
      await holdServerProcess(next, { workerId, host: hostname(), pid: process.pid })
      return next
    } catch (error) {
      await next.end().catch(() => {})
      throw error
    }
  }

  async function holdAgain(): Promise<void> {
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 500).unref())
      if (signal.aborted) return
      try {
        client = await hold()
        return
      } catch {
        // Postgres is away; nobody can look for our lock there either.
      }
    }
  }

  return {
    async close() {
      await client.end().catch(() => {})
    },
  }
}

/** Its failures are ours to tell; how it starts and stops is not news. */
function toLogger(observe: Observe): Logger {
  return new Logger(() => (level, message, meta) => {
    if (level === 'error') observe({ kind: 'error', code: 'system.unavailable', cause: meta?.error ?? new Error(message) })
  })
}
