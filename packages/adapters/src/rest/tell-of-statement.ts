import { isServiceError, type Observe } from '@polder/core'
import { isDatabaseError, toLoggedDatabaseMessage, type ProjectScope } from '@polder/db'
import type { RestRequest } from './parse/api-request.ts'
import type { Prepared } from './prepare.ts'

/** Tells the project's log of a statement that Postgres refused, or that took long; its values are never in what is told. */
export function tellOfStatement(
  observe: Observe,
  project: ProjectScope,
  request: RestRequest,
  { statement }: Prepared,
  { durationMs, error }: { durationMs: number; error?: unknown },
): void {
  const refusal = isServiceError(error) && isDatabaseError(error.cause) ? error.cause : undefined
  if (refusal === undefined && durationMs < project.configuration.logs.slowStatementMs) return
  const { schema, table, column, constraint, code: sqlState } = refusal ?? {}
  observe({
    kind: 'log',
    ref: project.ref,
    service: 'database',
    level: refusal !== undefined && /^(?:5[3-8]|XX)/.test(sqlState ?? '') ? 'error' : 'warn',
    message: refusal === undefined ? 'A statement took long.' : toLoggedDatabaseMessage(sqlState, refusal.message),
    requestId: request.requestId,
    userId: project.caller.kind === 'app' ? project.caller.claims.sub : undefined,
    method: request.method,
    path: request.path,
    durationMs,
    fields: { sqlState, schema, table, column, constraint, statement: statement.text },
  })
}
