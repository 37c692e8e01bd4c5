import type { Socket } from 'node:net'
import { ServiceError } from '@polder/core'
import { DatabaseError, type Client } from 'pg'
import { socketOf } from '../connect.ts'
import { PreparedStatements, type PreparedStatement } from './prepared-statements.ts'
import { ISOLATION, RESET, SETTINGS, SETTINGS_AND_ZONE, settingsText } from './caller-settings.ts'
import type { CallerResult, CallerStatement } from './project-database.ts'
import { toSearchPath } from './search-path.ts'
import { readError, readRow, WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** Who a statement runs as. */
export interface CallerIdentity {
  role: string
  claimsJson: string
}

const MAX_PREPARED = 250
const MAX_VALUES = 65_535

/**
 * The data plane's protocol on a connection that `pg` has opened: settings and statement are bound and executed in one
 * write with one Sync, which Postgres runs as one implicit transaction. From construction on, the connection is this
 * object's: `client.query` must not be used any more.
 *
 * What tenants' functions leave in a session: before each statement every setting goes back to what the startup options
 * say (`reset all`), advisory locks are released, and role, claims, request and search path are set anew; a session that
 * has sent a notification or a changed parameter is spoilt, and closed. (It costs a part of
 * Postgres' work for each read; a `discard all` would take the prepared statements away as well.) What remains, inside one project only:
 * rows in temporary tables (`pg_temp` is last in the search path, so they hide no table), cursors `with hold`, advisory
 * locks until the session's next statement, and a statement of ours replaced by code that runs `deallocate` and then
 * `prepare` with its name. Such code is the project's own: it could call `set_config('role', …)` just as well, as it
 * can behind PostgREST.
 */
export class OneSyncConnection {
  /** True when the session must not be used again. */
  isSpoilt = false
  readonly #socket: Socket
  readonly #writer = new WireWriter()
  readonly #prepared = new PreparedStatements(MAX_PREPARED)
  #isEnded = false
  // Plans hand over the same array again and again.
  #path: { of: readonly string[]; text: string } = { of: [], text: toSearchPath([]) }
  // What is being waited for.
  #resolve: ((results: CallerResult[]) => void) | undefined
  #reject: ((error: unknown) => void) | undefined
  /** What to send once more if a prepared statement turns out to be stale. */
  #retry: { statement: CallerStatement; caller: CallerIdentity } | undefined
  #rows: (Buffer | null)[][] = []
  #results: CallerResult[] = []
  #error: DatabaseError | undefined
  // In the order sent; undefined for a statement that is not kept.
  #parsing: (PreparedStatement | undefined)[] = []
  #bound = 0
  #completed = 0
  /** Which of the batch's statements is the next one that a caller asked for, and how many there are from one such to the next. */
  #answering = 0
  #stride = 0

  constructor(client: Client) {
    const reader = new WireReader((type, chunk, start, end) => this.#handle(type, chunk, start, end))
    this.#socket = socketOf(client)
    // pg decodes every field to a string, and makes an object and an event of every message.
    this.#socket.removeAllListeners('data')
    this.#socket.on('data', (chunk: Buffer) => reader.read(chunk))
    client.once('end', () => this.#end())
  }

  /** Runs the statement as the caller. Throws pg's `DatabaseError` as it came, or `database.unavailable`. */
  run(statement: CallerStatement, caller: CallerIdentity): Promise<CallerResult> {
    this.#retry = { statement, caller }
    return this.#send(this.#put(statement, caller, false))
  }

  /** Runs it once as each of the callers, in one transaction and one round trip. If it fails as one of them, it does as all. */
  async runEach(statement: CallerStatement, callers: readonly CallerIdentity[]): Promise<CallerResult[]> {
    const send = () =>
      new Promise<CallerResult[]>((resolve, reject) => {
        const answering = callers.map((caller) => this.#put(statement, caller, false))[0] ?? 0
        this.#resolve = resolve
        this.#reject = reject
        this.#flush(answering, answering + 1)
      })
    return send().catch((error: unknown) => {
      if (!this.#isStale(error)) throw error
      this.#forgetAll()
      return send()
    })
  }

  /** The same in a transaction that is committed only if `keep` answers true for the result. */
  async runAndKeep(statement: CallerStatement, caller: CallerIdentity, keep: (result: CallerResult) => boolean): Promise<CallerResult> {
    let result: CallerResult
    try {
      result = await this.#begin(statement, caller)
    } catch (error) {
      if (!this.#isStale(error)) throw error
      this.#forgetAll()
      result = await this.#begin(statement, caller)
    }
    let isKept = false
    try {
      isKept = keep(result)
    } finally {
      if (!isKept) await this.#finish('rollback')
    }
    if (isKept) await this.#finish('commit')
    return result
  }

  async #begin(statement: CallerStatement, caller: CallerIdentity): Promise<CallerResult> {
    try {
      return await this.#send(this.#put(statement, caller, true))
    } catch (error) {
      const { bound, completed } = { bound: this.#bound, completed: this.#completed }
      await this.#finish('rollback')
      this.#bound = bound
      this.#completed = completed
      throw error
    }
  }

  /** Puts the whole batch into the writer; answers which of its statements is the caller's. */
  #put(statement: CallerStatement, caller: CallerIdentity, isBlock: boolean): number {
    const { text, before, after, values, request, timeZone, settings: further = [], isolation } = statement
    if (text.includes('\0') || before?.includes('\0') === true || after?.includes('\0') === true) {
      throw new ServiceError('request.invalid', { message: 'The statement has a null character.' })
    }
    if (values.length > MAX_VALUES) throw new ServiceError('request.too_large', { message: 'The statement has too many values.' })
    // Half a batch must never be followed by another one.
    const wasSpoilt = this.isSpoilt
    this.isSpoilt = true
    this.#close(this.#prepared.evict())
    const path = this.#toSearchPath(statement.searchPath)
    let count = 0
    const write = (planSpace: string | undefined, sql: string, sent: readonly (string | null)[]) => {
      this.#write(planSpace, sql, sent)
      count += 1
    }
    if (isBlock) write(undefined, 'begin', [])
    write('', RESET, [])
    // Has to come before anything that looks at data.
    if (isolation !== undefined) write('', ISOLATION[isolation], [])
    if (further.length > 0) write('', settingsText(further.length), further.flat())
    const settings = [caller.role, caller.claimsJson, request.method, request.path, request.headers, request.cookies, path]
    settings.push(statement.isReadOnly ? 'on' : 'off')
    if (timeZone === undefined) write('', SETTINGS, settings)
    else write('', SETTINGS_AND_ZONE, [...settings, timeZone])
    const planSpace = `${caller.role} ${path}`
    if (before !== undefined) write(planSpace, before, [])
    write(planSpace, text, values)
    if (after !== undefined) this.#write(undefined, after, [])
    this.isSpoilt = wasSpoilt
    return count - 1
  }

  #finish(command: 'commit' | 'rollback'): Promise<CallerResult> {
    this.#write(undefined, command, [])
    return this.#send(0)
  }

  /** One statement of a batch; without a plan space it is not kept on the server. */
  #write(planSpace: string | undefined, text: string, values: readonly (string | null)[]): void {
    if (planSpace === undefined) {
      this.#writer.parse('', text)
      this.#parsing.push(undefined)
      this.#writer.bindAndExecute('', values)
      return
    }
    const prepared = this.#prepared.get(planSpace, text)
    if (!prepared.isParsed && !this.#parsing.includes(prepared)) {
      this.#writer.parse(prepared.name, text)
      this.#parsing.push(prepared)
    }
    this.#writer.bindAndExecute(prepared.name, values)
  }

  #send(answering: number): Promise<CallerResult> {
    return new Promise((resolve, reject) => {
      this.#resolve = ([result]) => resolve(result!)
      this.#reject = reject
      this.#flush(answering)
    })
  }

  #flush(answering: number, stride = 0): void {
    if (this.#isEnded || !this.#socket.writable) return this.#end()
    this.#answering = answering
    this.#stride = stride
    this.#bound = 0
    this.#completed = 0
    this.#rows = []
    this.#results = []
    this.#error = undefined
    this.#writer.sync()
    this.#socket.write(this.#writer.take())
  }

  #handle(type: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case 0x44: // DataRow
        if (this.#completed === this.#answering) this.#rows.push(readRow(chunk, start))
        break
      case 0x43: // CommandComplete
        if (this.#completed === this.#answering) this.#answer(chunk.toString('latin1', start, end - 1))
        this.#completed += 1
        break
      case 0x32: // BindComplete
        this.#bound += 1
        break
      case 0x31: // ParseComplete
        this.#parsed()
        break
      case 0x5a: // ReadyForQuery
        this.#ready()
        break
      case 0x45: // ErrorResponse
        this.#error = readError(chunk, start, end)
        if (this.#resolve === undefined) this.isSpoilt = true
        break
      case 0x49: // EmptyQueryResponse
        if (this.#completed === this.#answering) this.#answer('')
        this.#completed += 1
        break
      case 0x41: // NotificationResponse
      case 0x53: // ParameterStatus
        this.isSpoilt = true
        break
      case 0x47: // CopyInResponse
      case 0x57: // CopyBothResponse
        this.#socket.destroy()
        break
    }
  }

  #answer(command: string): void {
    this.#results.push({ rows: this.#rows, command })
    this.#rows = []
    this.#answering += this.#stride
  }

  #parsed(): void {
    const statement = this.#parsing.shift()
    if (statement !== undefined) statement.isParsed = true
  }

  #ready(): void {
    // What was sent to be parsed and was not: an error came first, maybe its own.
    if (this.#parsing.length > 0) this.#forgetUnparsed()
    const [error, retry] = [this.#error, this.#retry]
    this.#retry = undefined
    if (error !== undefined && retry !== undefined && this.#isStale(error)) {
      this.#forgetAll()
      return this.#flush(this.#put(retry.statement, retry.caller, false))
    }
    const [resolve, reject] = [this.#resolve, this.#reject]
    this.#resolve = undefined
    this.#reject = undefined
    if (error !== undefined) reject?.(error)
    else resolve?.(this.#results)
  }

  #end(): void {
    this.#isEnded = true
    this.isSpoilt = true
    const reject = this.#reject
    this.#resolve = undefined
    this.#reject = undefined
    reject?.(new ServiceError('database.unavailable', { cause: this.#error ?? new Error('The connection ended.') }))
  }

  /**
   * Whether the batch failed because a prepared statement is not what it was: the result's columns changed, or a tenant's
   * function took our statements away or made one of our name. Only before anything of the statement ran.
   */
  #isStale(error: unknown): boolean {
    if (!(error instanceof DatabaseError) || this.#bound !== this.#completed || this.#isEnded) return false
    if (error.code === '0A000') return error.message === 'cached plan must not change result type'
    return error.code === '26000' || error.code === '42P05'
  }

  #forgetUnparsed(): void {
    for (const statement of this.#parsing) if (statement !== undefined) this.#prepared.forget(statement)
    this.#parsing = []
  }

  #forgetAll(): void {
    this.#close(this.#prepared.clear())
  }

  #close(statements: PreparedStatement[]): void {
    for (const statement of statements) if (statement.isParsed) this.#writer.close(statement.name)
  }

  #toSearchPath(schemas: readonly string[]): string {
    if (schemas !== this.#path.of) this.#path = { of: schemas, text: toSearchPath(schemas) }
    return this.#path.text
  }
}
