import { createLogsAdapter, toLogLine, type LogsAdapter } from '@polder/adapters/logs'
import type { Observe } from '@polder/core'
import {
  createLogWriter,
  deleteProjectLogs,
  maintainLogs,
  openLogDatabase,
  selectLogRetention,
  selectLogsSettings,
  selectProjectNumbers,
  type LogLimits,
  type LogWriterStatistics,
  type PlatformDatabase,
  type PlatformEvents,
} from '@polder/db'
import type { OpenCluster } from './open-cluster.ts'

export interface ProjectLogsOptions {
  platform: PlatformDatabase
  control: OpenCluster['control']
  limits: LogLimits
  /** Where what concerns the log itself goes; never into the log. */
  observe: Observe
}

/** The logs of all projects as one server process keeps them. */
export interface ProjectLogs {
  adapter: LogsAdapter
  /** Makes a line of what concerns a project: a push into an array. */
  observe: Observe
  /** Hears of projects that changed. */
  listen(events: Pick<PlatformEvents, 'subscribe'>): void
  /** Forgets everything that was logged of a project. */
  remove(ref: string): Promise<void>
  /** Makes room and the partitions of the coming days; runs by itself now and then. */
  maintain(): Promise<void>
  statistics(): LogWriterStatistics
  /** Writes what still waits. */
  close(): Promise<void>
}

const MAINTAIN_EVERY_MS = 600_000

/** Opens the log database, where it is missing makes it, and everything around it. */
export async function openProjectLogs({ platform, control, limits, observe }: ProjectLogsOptions): Promise<ProjectLogs> {
  const logs = await openLogDatabase(control)
  const writer = createLogWriter({
    connection: logs.connection,
    async findProjects(refs) {
      const settings = await selectLogsSettings(platform, refs)
      const numbers = await selectProjectNumbers(logs.db, [...settings.keys()])
      return new Map([...numbers].map(([ref, number]) => [ref, { number, level: settings.get(ref)!.level }]))
    },
    observe,
  })
  let maintaining: Promise<void> | undefined
  let unsubscribe = (): void => {}
  const timer = setInterval(() => void maintain(), MAINTAIN_EVERY_MS).unref()
  void maintain()

  async function maintainOnce(): Promise<void> {
    try {
      await maintainLogs(logs.db, limits, await selectLogRetention(platform))
    } catch (cause) {
      // The next time finds what this one left.
      observe({ kind: 'error', code: 'logs.unavailable', cause })
    }
  }

  function maintain(): Promise<void> {
    return (maintaining ??= maintainOnce().finally(() => (maintaining = undefined)))
  }

  return {
    adapter: createLogsAdapter({ db: logs.db, writer }),
    observe(observation) {
      const found = toLogLine(observation, Date.now())
      if (found !== undefined) writer.write(found.ref, found.line)
    },
    listen(events) {
      unsubscribe = events.subscribe((event) => {
        if (event.type === 'resync') writer.forget()
        else if (event.type === 'project_changed' || event.type === 'project_removed') writer.forget(event.ref)
      })
    },
    async remove(ref) {
      writer.forget(ref)
      await writer.flush()
      await deleteProjectLogs(logs.db, ref)
    },
    maintain,
    statistics: () => writer.statistics(),
    async close() {
      clearInterval(timer)
      unsubscribe()
      await maintaining
      await writer.close()
      await logs.close()
    },
  }
}
