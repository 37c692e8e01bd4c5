import type { LogLine } from '@polder/core'
import { createLogWriter, selectProjectNumbers, type LogWriter, type ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster } from '@polder/db/testing'
import { createLogsAdapter, type LogsAdapter } from '../adapter.ts'

/** A log on the run's Postgres, two projects, and a writer that keeps everything. */
export interface TestLog extends AsyncDisposable {
  cluster: TestCluster
  adapter: LogsAdapter
  writer: LogWriter
  alpha: ProjectScope
  beta: ProjectScope
  /** Writes the lines and waits until they can be read. */
  write(project: ProjectScope, lines: readonly Partial<LogLine>[]): Promise<void>
}

export async function openTestLog(): Promise<TestLog> {
  const cluster = await openTestCluster()
  const logs = await cluster.openLogs()
  const writer = createLogWriter({
    connection: logs.connection,
    findProjects: async (refs) =>
      new Map([...(await selectProjectNumbers(logs.db, refs))].map(([ref, number]) => [ref, { number, level: 'debug' as const }])),
    observe: () => {},
    flushMs: 10,
  })
  const [alpha, beta] = await Promise.all([cluster.createProject(), cluster.createProject()])
  return {
    cluster,
    writer,
    adapter: createLogsAdapter({ db: logs.db, writer, pollMs: 20 }),
    alpha: await alpha.member(),
    beta: await beta.member(),
    async write(project, lines) {
      for (const line of lines) writer.write(project.ref, { at: Date.now(), level: 'info', service: 'app', ...line })
      await writer.flush()
    },
    async [Symbol.asyncDispose]() {
      await writer.close()
      await cluster[Symbol.asyncDispose]()
    },
  }
}
