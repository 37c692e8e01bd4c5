import { ServiceError } from '@polder/core'
import { type CallerResult, type CallerStatement, type Cancellation, type ProjectScope, isDatabaseError } from '@polder/db'
import { bind } from './bind.ts'
import { notSingular, putKeyMismatch, tooManyAffected } from './fault.ts'
import type { RestRequest } from './parse/api-request.ts'
import { toCanonicalQuery } from './parse/canonical-query.ts'
import type { Prepared } from './prepare.ts'
import type { StatementTemplate } from './queries/sql-text.ts'
import { GUARD_MARK } from './queries/statements.ts'
import type { ReadRequest } from './read-request.ts'
import { type RestReply, type ResultRow, readResult, toReply } from './reply.ts'

/** How an answer is wanted. */
export interface AnswerOptions {
  /** Whether a long body may come as a stream. */
  isStreamed?: boolean
  /** Ends the request when whoever asked has gone. */
  cancellation?: Cancellation
}

/** One request on its way through: all that its statements are made of. */
interface Execution extends AnswerOptions {
  project: ProjectScope
  request: RestRequest
  read: ReadRequest
  prepared: Prepared
}

/** Runs a prepared request as the caller and answers with what came of it. */
export async function execute(execution: Execution): Promise<RestReply> {
  const { project, request, read, prepared } = execution
  const { format } = prepared
  const isBytes = format.kind === 'custom' && format.handler.isBytes
  const statement = toStatement(execution, prepared.statement)
  // A write may still fail when its answer has been sent; bytes come in hexadecimal; an estimate is asked for afterwards.
  statement.isStreamed = execution.isStreamed === true && prepared.isReadOnly && !isBytes && prepared.estimate === null
  let result: ResultRow | undefined
  try {
    if (prepared.isExplained) return toPlanReply(prepared, read.profile, await project.db.asCaller(statement, keeper(prepared)))
    result = readResult(await project.db.asCaller(statement, keeper(prepared)), isBytes)
    const failure = findFailure(prepared, result)
    if (failure !== undefined) throw failure
    if (prepared.estimate !== null) await addEstimate(execution, result)
    return toReply(prepared, result, {
      range: read.range,
      canonicalQuery: prepared.action.kind === 'read' ? toCanonicalQuery(request.query) : '',
      profile: read.profile,
    })
  } catch (error) {
    if (result?.body != null && !Buffer.isBuffer(result.body)) result.body.destroy()
    if (!isDatabaseError(error)) throw error
    const count = error.code === '22P02' ? findRefusedCount(error) : undefined
    const refusal = count === undefined ? undefined : findFailure(prepared, { count })
    if (refusal !== undefined) throw refusal
    throw new ServiceError('rest.database_error', { message: error.message, cause: error })
  }
}

function toStatement({ project, request, read, prepared, cancellation }: Execution, template: StatementTemplate): CallerStatement {
  const { maxRows } = prepared
  return {
    text: template.text,
    values: bind(template.parameters, { slots: read.slots, payload: read.payload, range: read.range, maxRows }),
    isReadOnly: prepared.isReadOnly,
    request: {
      method: request.method,
      path: request.path,
      headers: toHeadersText(request.headers),
      cookies: toCookies(request.headers.cookie),
    },
    searchPath: prepared.searchPath,
    timeZone: prepared.preferences.timeZone ?? undefined,
    ...toTransaction(project, prepared),
    before: prepared.before,
    // A rehearsal fails where the real thing would: at the end, when deferred constraints are checked.
    after: prepared.isRolledBack && !prepared.isReadOnly ? 'SET CONSTRAINTS ALL IMMEDIATE' : undefined,
    cancellation,
  }
}

const ORDINARY: Pick<CallerStatement, 'settings' | 'isolation'> = { settings: undefined, isolation: undefined }

/** What role, function and project ask of the transaction; a function's wishes come before its caller's. */
function toTransaction(
  { caller }: ProjectScope,
  { transaction, roles, appSettings }: Prepared,
): Pick<CallerStatement, 'settings' | 'isolation'> {
  const role = caller.kind === 'app' && roles.size > 0 ? roles.get(caller.role) : undefined
  if (role === undefined && transaction === null && appSettings.length === 0) return ORDINARY
  const settings = [...(role?.settings ?? []), ...(transaction?.settings ?? []), ...appSettings]
  return { settings, isolation: transaction?.isolation ?? role?.isolation }
}

function toHeadersText(headers: RestRequest['headers']): string {
  if (headers.cookie === undefined) return JSON.stringify(headers)
  const { cookie: _, ...others } = headers
  return JSON.stringify(others)
}

function toCookies(header: string | undefined): string {
  if (header === undefined) return '{}'
  const pairs = header.split(';').map((part): [string, string] => {
    const separator = part.indexOf('=')
    return separator === -1 ? [part.trim(), ''] : [part.slice(0, separator).trim(), part.slice(separator + 1).trim()]
  })
  return JSON.stringify(Object.fromEntries(pairs))
}

/** A rehearsal is never committed. */
function keeper({ isReadOnly, isRolledBack }: Prepared): (() => boolean) | undefined {
  return isRolledBack && !isReadOnly ? () => false : undefined
}

/** The number of rows in the error by which a statement refused it; undefined for any other error. */
function findRefusedCount(error: { message: string }): number | undefined {
  const start = error.message.indexOf(GUARD_MARK)
  const count = start === -1 ? null : /^\d+/.exec(error.message.slice(start + GUARD_MARK.length))
  return count === null ? undefined : Number(count[0])
}

function findFailure({ action, preferences, isSingular }: Prepared, { count }: Pick<ResultRow, 'count'>): ServiceError | undefined {
  if (action.kind === 'put') return count === 1 ? undefined : putKeyMismatch()
  if (isSingular && count !== 1) return notSingular(count)
  const isLimited = action.kind === 'update' || action.kind === 'delete' || action.kind === 'call'
  const { maxAffected, handling } = preferences
  return isLimited && handling === 'strict' && maxAffected !== null && count > maxAffected ? tooManyAffected(count) : undefined
}

async function addEstimate(execution: Execution, result: ResultRow): Promise<void> {
  const { project, prepared } = execution
  if (prepared.estimate === null) return
  const { maxRows } = prepared
  if (prepared.preferences.count === 'estimated' && maxRows !== null && (result.total ?? 0) <= maxRows) return
  const { rows } = await project.db.asCaller(toStatement(execution, prepared.estimate))
  const [explained] = JSON.parse(rows[0]?.[0]?.toString('utf8') ?? '[]') as { Plan: { 'Plan Rows': number } }[]
  const estimated = explained?.Plan['Plan Rows'] ?? 0
  result.total = Math.max(result.total ?? 0, estimated)
}

function toPlanReply(prepared: Prepared, profile: string | undefined, { rows }: CallerResult): RestReply {
  const newline = Buffer.from('\n')
  const body = Buffer.concat(rows.flatMap(([line]) => [line ?? Buffer.alloc(0), newline]))
  const headers: RestReply['headers'] = [['Content-Type', prepared.contentType]]
  if (profile !== undefined) headers.push(['Content-Profile', profile])
  return { status: 200, headers, body }
}
