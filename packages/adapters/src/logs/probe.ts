import { createHash } from 'node:crypto'
import { createLogWriter, selectProjectNumbers, type OpenLogDatabase, type ProjectScope } from '@polder/db'
import { createLogsAdapter } from './adapter.ts'

/** For the isolation law: leaves a line that is made from the seed in a project's log, and says whether a project has it. */
export const probe = {
  async write(project: ProjectScope, seed: string, { logs }: { logs: OpenLogDatabase }): Promise<void> {
    const writer = createLogWriter({
      connection: logs.connection,
      findProjects: async (refs) =>
        new Map([...(await selectProjectNumbers(logs.db, refs))].map(([ref, number]) => [ref, { number, level: 'debug' as const }])),
      observe: () => {},
    })
    createLogsAdapter({ db: logs.db, writer }).log(project, { level: 'info', message: toMessage(seed), fields: { seed } })
    await writer.close()
  },
  async sees(project: ProjectScope, seed: string, { logs }: { logs: OpenLogDatabase }): Promise<boolean> {
    const adapter = createLogsAdapter({ db: logs.db, writer: { write: () => {}, flush: async () => {} } })
    const now = Date.now()
    const range = { from: new Date(now - 3_600_000), to: new Date(now + 3_600_000) }
    const page = await adapter.query(project, { range, conditions: { search: toMessage(seed) }, order: 'newest', limit: 1 })
    return page.entries.length > 0
  },
}

function toMessage(seed: string): string {
  return createHash('sha256').update(seed).digest('hex')
}
