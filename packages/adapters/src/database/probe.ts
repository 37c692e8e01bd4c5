import type { ProjectScope } from '@polder/db'
import { createDatabaseAdapter } from './adapter.ts'

const TABLE = 'database_probe'

/** Writes one thing into a project by this service, and looks for it: what the isolation law is tested with. */
export const probe = {
  async write(project: ProjectScope, seed: string): Promise<void> {
    const adapter = createDatabaseAdapter({ onSchemaChanged: () => undefined, observe: () => undefined })
    const bytes = Buffer.from(seed).toString('hex')
    const run = await adapter.runSql(project, {
      sql: `create table if not exists public.${TABLE} (seed bytea); insert into public.${TABLE} values ('\\x${bytes}')`,
      maxRows: 1,
    })
    if (run.failure) throw new Error(run.failure.message)
  },

  async sees(project: ProjectScope, seed: string): Promise<boolean> {
    const adapter = createDatabaseAdapter({ onSchemaChanged: () => undefined, observe: () => undefined })
    const tables = await adapter.listTables(project, { schema: 'public' })
    if (!tables.some(({ name }) => name === TABLE)) return false
    const { rows } = await adapter.listRows(project, { schema: 'public', table: TABLE, limit: 1000, offset: 0 })
    return rows.some(([cell]) => cell === `\\x${Buffer.from(seed).toString('hex')}`)
  },
}
