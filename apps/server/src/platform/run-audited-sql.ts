import type { Observe, RunSql, SqlRun } from '@polder/core'
import type { DatabaseAdapter } from '@polder/adapters/database'
import { insertAuditEntry, toLoggedDatabaseMessage, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

export interface AuditedSqlDependencies {
  platform: PlatformDatabase
  adapters: { database: Pick<DatabaseAdapter, 'runSql'> }
  observe: Observe
}

/** Runs a person's SQL and notes that it ran: how long it was and which commands it had, never its text, which may hold secrets. */
export async function runAuditedSql(
  { platform, adapters, observe }: AuditedSqlDependencies,
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
  tell(observe, project, actor, run)
  return run
}

/** The project's log learns of what failed and of what took long, and of neither its text. */
function tell(observe: Observe, { ref, configuration }: ProjectScope, actor: Actor, { failure, durationMs, commands }: SqlRun): void {
  if (failure === null && durationMs < configuration.logs.slowStatementMs) return
  observe({
    kind: 'log',
    ref,
    service: 'database',
    level: 'warn',
    message: failure === null ? 'A run of SQL took long.' : toLoggedDatabaseMessage(failure.sqlState, failure.message),
    requestId: actor.requestId ?? undefined,
    durationMs,
    fields: { sqlState: failure?.sqlState, commands, ranBy: actor.email },
  })
}
