import type { SqlFailure } from '@polder/core'
import type { OwnerSession } from '@polder/db'
import type { ScriptLimits, ScriptResults } from './script-results.ts'
import { MAX_MESSAGE_BYTES, SqlScript, type ScriptError } from './sql-script.ts'
import { toTextPosition } from './text-position.ts'
import { withWatchdog, type WatchdogLimits } from './watchdog.ts'

export interface ScriptOutcome {
  results: ScriptResults
  failure: SqlFailure | null
  /** Whether the connection was lost, so that nobody knows what was committed. */
  isConnectionLost: boolean
}

/** Runs a script to its end, its first error, or the limit of time, whichever comes first; throws nothing. */
export async function runScript(session: OwnerSession, text: string, limits: ScriptLimits & WatchdogLimits): Promise<ScriptOutcome> {
  const { client } = session
  const ending = Promise.withResolvers<ScriptError | undefined>()
  const script = new SqlScript(text, limits, {
    onEnd: ending.resolve,
    onOversized: () => {
      ending.resolve({
        code: '54000',
        message: `A value or row is larger than ${MAX_MESSAGE_BYTES / 1024 / 1024} MB, which is more than can be shown.`,
      })
      destroySocket(session)
      session.cancel().catch(() => undefined)
    },
  })
  client.on('notice', (notice) => script.handleNotice(notice))
  const { value: error, isTimedOut } = await withWatchdog(session, limits, () => {
    client.query(script as never)
    return ending.promise
  })
  if (!error && !isTimedOut) noteOpenTransaction(session, script.results)
  const failure = isTimedOut ? toTimeout(limits.timeoutMs) : error ? toFailure(text, error, script.results) : null
  return { results: script.results, failure, isConnectionLost: isTimedOut || (error !== undefined && isLoss(error)) }
}

/** A transaction that the SQL began and left open ends with its connection. */
function noteOpenTransaction(session: OwnerSession, results: ScriptResults): void {
  const status = (session.client as { getTransactionStatus?: () => string | null }).getTransactionStatus?.()
  if (status === 'T' || status === 'E')
    results.notices.push('The transaction was left open and is rolled back: each run has a connection of its own.')
}

function toFailure(text: string, error: ScriptError, results: ScriptResults): SqlFailure {
  const position = Number(error.position)
  const place = position > 0 ? toTextPosition(text, position) : null
  return {
    // Without a code the socket failed, not the SQL: "connection_failure".
    sqlState: error.code && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : CONNECTION_FAILURE,
    message: results.cut(error.message),
    detail: error.detail ? results.cut(error.detail) : null,
    hint: error.hint ? results.cut(error.hint) : null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    offset: place?.offset ?? null,
    context: error.where ? results.cut(error.where) : null,
  }
}

function toTimeout(timeoutMs: number): SqlFailure {
  const message = `The run took longer than ${timeoutMs / 1000} s and was cancelled.`
  return { sqlState: '57014', message, detail: null, hint: null, line: null, column: null, offset: null, context: null }
}

function isLoss(error: ScriptError): boolean {
  return error.code === undefined || !/^[0-9A-Z]{5}$/.test(error.code) || /^(?:08|57P|54000)/.test(error.code)
}

function destroySocket(session: OwnerSession): void {
  const { connection } = session.client as unknown as { connection?: { stream?: { destroy(): void } } }
  connection?.stream?.destroy()
}

const CONNECTION_FAILURE = '08006'
