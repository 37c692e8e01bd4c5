import type { Socket } from 'node:net'
import { ServiceError } from '@polder/core'
import type { Client } from 'pg'
import { cancelRunning } from '../connect.ts'
import { Batch, type CallerIdentity } from './batch.ts'
import { BatchWriter, requireSendable } from './batch-writer.ts'
import type { ByteSource } from './byte-source.ts'
import { FieldStream, LongRow, type FieldSource } from './field-stream.ts'
import type { CallerResult, CallerStatement, Keep } from './project-database.ts'
import { readError, readRow, WireReader, type LongMessage } from './wire-reader.ts'

/** However steadily it is read, a stream holds its connection no longer. */
const MAX_STREAM_MS = 300_000

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
  readonly #client: Client
  readonly #socket: Socket
  readonly #writer = new BatchWriter()
  /** Sent and not answered yet, in order. */
  readonly #queue: Batch[] = []
  #isEnded = false
  #isFlushing = false
  #lastError: Error | undefined

  /** `source` is what the client's bytes come from. */
  constructor(client: Client, source: ByteSource) {
    const reader = new WireReader(
      (type, chunk, start, end) => this.#handle(type, chunk, start, end),
      (type) => this.#beginLong(type),
    )
    this.#client = client
    this.#socket = source.socket
    // pg would decode every field to a string, and make an object and an event of every message.
    source.read((chunk) => reader.read(chunk))
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

  /** Whether an answer is being read piece by piece: nobody can tell how long that takes. */
  get isStreaming(): boolean {
    return this.#queue[0]?.stream !== undefined
  }

  /**
   * Runs the statement as the caller. Throws pg's `DatabaseError` as it came, or `database.unavailable`. An answer with a stream
   * comes before the connection is done with it; `onDone` tells when it is.
   */
  run(statement: CallerStatement, identity: CallerIdentity, onDone?: () => void): Promise<CallerResult> {
    return new Promise((resolve, reject) => {
      const batch = new Batch({ statement, identities: [identity] }, true, (results) => resolve(results[0]!), reject)
      batch.onDone = onDone
      if (statement.cancellation !== undefined) statement.cancellation.act = () => this.#cancel(batch)
      this.#send(batch, false)
    })
  }

  /** Runs it once as each of the callers, in one transaction and one round trip. If it fails as one of them, it does as all. */
  runEach(statement: CallerStatement, identities: readonly CallerIdentity[]): Promise<CallerResult[]> {
    return new Promise((resolve, reject) => this.#send(new Batch({ statement, identities }, true, resolve, reject), false))
  }

  /** The same in a transaction that is committed only if `keep` answers true for the result. Nothing else may be on its way. */
  async runAndKeep(statement: CallerStatement, identity: CallerIdentity, keep: Keep): Promise<CallerResult> {
    let result: CallerResult
    try {
      result = await this.#begin(statement, identity)
    } catch (error) {
      if (!(error instanceof StaleStatement)) throw error
      result = await this.#begin(statement, identity)
    }
    let isKept = false
    try {
      isKept = await keep(result)
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
      this.#writer.forgetAll()
      throw new StaleStatement()
    }
  }

  #finish(command: 'commit' | 'rollback'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const batch = new Batch(undefined, false, resolve, reject)
      this.#writer.putCommand(batch, command)
      this.#append(batch)
    })
  }

  #send(batch: Batch, isBlock: boolean): void {
    requireSendable(batch.statement!)
    // Half a batch must never be followed by another one.
    const wasSpoilt = this.isSpoilt
    this.isSpoilt = true
    this.#writer.put(batch, isBlock)
    this.isSpoilt = wasSpoilt
    this.#append(batch)
  }

  #append(batch: Batch): void {
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

  /** Nobody waits for it any more. */
  #cancel(batch: Batch): void {
    batch.mayRepeat = false
    if (batch === this.#queue[0]) {
      // Which statement the server will find when it hears of it, nobody knows; so nobody else may be on this connection.
      this.isSpoilt = true
      this.abandonOthers()
      void cancelRunning(this.#client)
    }
    batch.reject(new ServiceError('request.abandoned'))
  }

  #beginLong(type: number): LongMessage | undefined {
    const batch = this.#queue[0]
    if (type !== 0x44 || batch?.statement?.isStreamed !== true || batch.completed !== batch.answering) return undefined
    this.abandonOthers()
    return new LongRow((fields, length) => {
      const stream = new FieldStream(length, this.#toSource(batch))
      batch.resolveStreamed(fields, stream)
      return stream
    })
  }

  #toSource(batch: Batch): FieldSource {
    const begun = performance.now()
    return {
      pause: () => void this.#socket.pause(),
      resume: () => void this.#socket.resume(),
      onProgress: () => {
        // Whoever watches for statements that take too long counts from here.
        const now = performance.now()
        if (now - begun < MAX_STREAM_MS) batch.startedAt = now
      },
      onAbandoned: () => {
        this.isSpoilt = true
        batch.onDone?.()
      },
    }
  }

  #handle(type: number, chunk: Buffer, start: number, end: number): void {
    const batch = this.#queue[0]
    if (batch === undefined) return this.#handleUnasked(type, chunk, start, end)
    switch (type) {
      case 0x44: // DataRow
        if (batch.completed === batch.answering) batch.rows.push(readRow(chunk, start, end))
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
    // An error came first, maybe its own.
    if (batch.parsing.length > 0) this.#writer.forgetUnparsed(batch)
    const { error } = batch
    if (error !== undefined && batch.mayRepeat && this.#isStale(batch)) {
      this.#writer.forgetAll()
      batch.mayRepeat = false
      batch.reset()
      return this.#send(batch, false)
    }
    batch.onDone?.()
    if (error === undefined) batch.resolve(batch.toResults(now))
    else batch.reject(error)
  }

  #end(): void {
    this.#isEnded = true
    this.isSpoilt = true
    for (const batch of this.#queue.splice(0)) {
      const cause = batch.error ?? this.#lastError ?? new Error('The connection ended.')
      const error = new ServiceError('database.unavailable', { cause })
      batch.reject(error)
      batch.stream?.destroy(error)
      batch.onDone?.()
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
}

/** A statement behind one that takes longer than expected: to be asked on another connection. */
export class ConnectionTaken extends Error {
  constructor() {
    super('The connection is taken by a statement that takes long.')
    this.name = 'ConnectionTaken'
  }
}

class StaleStatement extends Error {}
