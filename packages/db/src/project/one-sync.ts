import type { Socket } from 'node:net'
import { ServiceError } from '@polder/core'
import type { Client } from 'pg'
import { socketOf } from '../connect.ts'
import { Batch, type CallerIdentity } from './batch.ts'
import { ISOLATION, RESET, settingsText, toSettingsText, toSettingsValues } from './caller-settings.ts'
import { PreparedStatements, type PreparedStatement } from './prepared-statements.ts'
import type { CallerResult, CallerStatement } from './project-database.ts'
import { toSearchPath } from './search-path.ts'
import { readError, readRow, WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const MAX_PREPARED = 250
const MAX_VALUES = 65_535

/**
 * The data plane's protocol on a connection that `pg` has opened: settings and statement are bound and executed with one
 * Sync, which Postgres runs as one implicit transaction. Several such batches may be on their way at the same time: Postgres
 * takes them in order, and those of one turn of the event loop go out in one write. From construction on, the connection is
 * this object's: `client.query` must not be used any more.
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
  /** Sent and not answered yet, in order. */
  readonly #queue: Batch[] = []
  #isEnded = false
  #isFlushing = false
  #lastError: Error | undefined
  // Plans hand over the same array again and again.
  #path: { of: readonly string[]; text: string } = { of: [], text: toSearchPath([]) }

  constructor(client: Client) {
    const reader = new WireReader((type, chunk, start, end) => this.#handle(type, chunk, start, end))
    this.#socket = socketOf(client)
    // pg decodes every field to a string, and makes an object and an event of every message.
    this.#socket.removeAllListeners('data')
    this.#socket.on('data', (chunk: Buffer) => reader.read(chunk))
    client.once('end', () => this.#end())
  }

  /** How many statements are on their way. */
  get inFlight(): number {
    return this.#queue.length
  }

  /** Since when (`performance.now()`) Postgres has been busy with the oldest of them; undefined when it has nothing to do. */
  get busySince(): number | undefined {
    return this.#queue[0]?.startedAt
  }

  /** Runs the statement as the caller. Throws pg's `DatabaseError` as it came, or `database.unavailable`. */
  run(statement: CallerStatement, identity: CallerIdentity): Promise<CallerResult> {
    return new Promise((resolve, reject) => {
      this.#send(new Batch({ statement, identities: [identity] }, true, (results) => resolve(results[0]!), reject), false)
    })
  }

  /** Runs it once as each of the callers, in one transaction and one round trip. If it fails as one of them, it does as all. */
  runEach(statement: CallerStatement, identities: readonly CallerIdentity[]): Promise<CallerResult[]> {
    return new Promise((resolve, reject) => this.#send(new Batch({ statement, identities }, true, resolve, reject), false))
  }

  /** The same in a transaction that is committed only if `keep` answers true for the result. Nothing else may be on its way. */
  async runAndKeep(statement: CallerStatement, identity: CallerIdentity, keep: (result: CallerResult) => boolean): Promise<CallerResult> {
    let result: CallerResult
    try {
      result = await this.#begin(statement, identity)
    } catch (error) {
      if (!(error instanceof StaleStatement)) throw error
      result = await this.#begin(statement, identity)
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

  /** Takes the batches behind the oldest off the connection: their callers ask elsewhere, and what still comes for them is dropped. */
  abandonOthers(): void {
    for (const batch of this.#queue.slice(1)) {
      batch.mayRepeat = false
      batch.reject(new ConnectionTaken())
    }
  }

  async #begin(statement: CallerStatement, identity: CallerIdentity): Promise<CallerResult> {
    let batch: Batch | undefined
    try {
      return await new Promise<CallerResult>((resolve, reject) => {
        batch = new Batch({ statement, identities: [identity] }, false, (results) => resolve(results[0]!), reject)
        this.#send(batch, true)
      })
    } catch (error) {
      await this.#finish('rollback')
      if (batch === undefined || !this.#isStale(batch)) throw error
      this.#forgetAll()
      throw new StaleStatement()
    }
  }

  #finish(command: 'commit' | 'rollback'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const batch = new Batch(undefined, false, resolve, reject)
      this.#write(batch, undefined, command, [])
      this.#append(batch)
    })
  }

  #send(batch: Batch, isBlock: boolean): void {
    this.#put(batch, isBlock)
    this.#append(batch)
  }

  #append(batch: Batch): void {
    this.#writer.sync()
    if (this.#queue.push(batch) === 1) batch.startedAt = performance.now()
    if (this.#isFlushing) return
    // Whatever else this turn of the event loop brings goes out with it.
    this.#isFlushing = true
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushing = false
    if (this.#isEnded || !this.#socket.writable) return this.#end()
    this.#socket.write(this.#writer.take())
    // What the system has not taken yet is still being read from the buffer.
    if (this.#socket.writableLength > 0) this.#writer.giveUpBuffer()
  }

  /** Puts the whole batch into the writer. */
  #put(batch: Batch, isBlock: boolean): void {
    const { text, before, after, values, searchPath, isolation, settings = [] } = batch.statement!
    if (text.includes('\0') || before?.includes('\0') === true || after?.includes('\0') === true) {
      throw new ServiceError('request.invalid', { message: 'The statement has a null character.' })
    }
    if (values.length > MAX_VALUES) throw new ServiceError('request.too_large', { message: 'The statement has too many values.' })
    // Half a batch must never be followed by another one.
    const wasSpoilt = this.isSpoilt
    this.isSpoilt = true
    this.#close(this.#prepared.evict())
    const path = this.#toSearchPath(searchPath)
    if (isBlock) this.#write(batch, undefined, 'begin', [])
    for (const identity of batch.identities) {
      this.#write(batch, '', RESET, [])
      // Has to come before anything that looks at data.
      if (isolation !== undefined) this.#write(batch, '', ISOLATION[isolation], [])
      if (settings.length > 0) this.#write(batch, '', settingsText(settings.length), settings.flat())
      this.#write(batch, '', toSettingsText(batch.statement!), toSettingsValues(batch.statement!, identity, path))
      const planSpace = `${identity.role} ${path}`
      if (before !== undefined) this.#write(batch, planSpace, before, [])
      batch.answering = batch.written
      this.#write(batch, planSpace, text, values)
      if (after !== undefined) this.#write(batch, undefined, after, [])
    }
    this.isSpoilt = wasSpoilt
    // Those of the first are as many as those of each other.
    batch.stride = (batch.written - (isBlock ? 1 : 0)) / batch.identities.length
    batch.answering -= batch.stride * (batch.identities.length - 1)
  }

  /** One statement of a batch; without a plan space it is not kept on the server. */
  #write(batch: Batch, planSpace: string | undefined, text: string, values: readonly (string | null)[]): void {
    batch.written += 1
    if (planSpace === undefined) {
      this.#writer.parse('', text)
      batch.parsing.push(undefined)
      this.#writer.bindAndExecute('', values)
      return
    }
    const prepared = this.#prepared.get(planSpace, text)
    if (!prepared.isSent) {
      this.#writer.parse(prepared.name, text)
      prepared.isSent = true
      batch.parsing.push(prepared)
    }
    this.#writer.bindAndExecute(prepared.name, values)
  }

  #handle(type: number, chunk: Buffer, start: number, end: number): void {
    const batch = this.#queue[0]
    if (batch === undefined) return this.#handleUnasked(type, chunk, start, end)
    switch (type) {
      case 0x44: // DataRow
        if (batch.completed === batch.answering) batch.rows.push(readRow(chunk, start))
        break
      case 0x43: // CommandComplete
        batch.complete(chunk, start, end - 1)
        break
      case 0x32: // BindComplete
        batch.bound += 1
        break
      case 0x31: // ParseComplete
        batch.parsing.shift()
        break
      case 0x5a: // ReadyForQuery
        this.#ready(batch)
        break
      case 0x45: // ErrorResponse
        batch.error = readError(chunk, start, end)
        break
      case 0x49: // EmptyQueryResponse
        batch.complete(chunk, start, start)
        break
      default:
        this.#handleUnasked(type, chunk, start, end)
    }
  }

  #handleUnasked(type: number, chunk: Buffer, start: number, end: number): void {
    switch (type) {
      case 0x45: // ErrorResponse: the server says goodbye
        this.#lastError = readError(chunk, start, end)
        this.isSpoilt = true
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

  #ready(batch: Batch): void {
    const now = performance.now()
    this.#queue.shift()
    if (this.#queue[0] !== undefined) this.#queue[0].startedAt = now
    // What was sent to be parsed and was not: an error came first, maybe its own.
    for (const statement of batch.parsing) if (statement !== undefined) this.#prepared.forget(statement)
    const { error } = batch
    if (error === undefined) return batch.resolve(batch.toResults(now))
    if (!batch.mayRepeat || !this.#isStale(batch)) return batch.reject(error)
    this.#forgetAll()
    batch.mayRepeat = false
    batch.reset()
    this.#send(batch, false)
  }

  #end(): void {
    this.#isEnded = true
    this.isSpoilt = true
    for (const batch of this.#queue.splice(0)) {
      const cause = batch.error ?? this.#lastError ?? new Error('The connection ended.')
      batch.reject(new ServiceError('database.unavailable', { cause }))
    }
  }

  /**
   * Whether the batch failed because a prepared statement is not what it was: the result's columns changed, or a tenant's
   * function took our statements away or made one of our name. Only before anything of the statement ran.
   */
  #isStale({ error, bound, completed }: Batch): boolean {
    if (error === undefined || bound !== completed || this.#isEnded) return false
    if (error.code === '0A000') return error.message === 'cached plan must not change result type'
    return error.code === '26000' || error.code === '42P05'
  }

  #forgetAll(): void {
    this.#close(this.#prepared.clear())
  }

  #close(statements: PreparedStatement[]): void {
    for (const statement of statements) if (statement.isSent) this.#writer.close(statement.name)
  }

  #toSearchPath(schemas: readonly string[]): string {
    if (schemas !== this.#path.of) this.#path = { of: schemas, text: toSearchPath(schemas) }
    return this.#path.text
  }
}

/** A statement behind one that takes longer than expected: to be asked on another connection. */
export class ConnectionTaken extends Error {
  constructor() {
    super('The connection is taken by a statement that takes long.')
    this.name = 'ConnectionTaken'
  }
}

class StaleStatement extends Error {}
