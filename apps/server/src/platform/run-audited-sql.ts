import type { RunSql, SqlRun } from '@polder/core'
import type { DatabaseAdapter } from '@polder/adapters/database'
import { insertAuditEntry, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

export interface AuditedSqlDependencies {
  platform: PlatformDatabase
  adapters: { database: Pick<DatabaseAdapter, 'runSql'> }
}

/** Runs a person's SQL and notes that it ran: how long it was and which commands it had, never its text, which may hold secrets. */
export async function runAuditedSql(
  { platform, adapters }: AuditedSqlDependencies,
  project: ProjectScope,
  actor: Actor,
  input: RunSql,
): Promise<SqlRun> {
  const run = await adapters.database.runSql(project, input)
  await insertAuditEntry(platform, {
    actor,
    organizationId: project.configuration.organizationId,
    ref: project.ref,
    action: 'database.execute',
    details: { characters: input.sql.length, commands: run.commands, sqlState: run.failure?.sqlState ?? null },
  })
  return run
}
