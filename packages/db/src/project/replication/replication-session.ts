import type { Socket } from 'node:net'
import { ServiceError } from '@polder/core'
import { escapeLiteral, type Client, type ClientConfig } from 'pg'
import { cancelRunning, makeClient, sessionOptions, socketOf, type Login } from '../../connect.ts'
import { toClientConfig } from '../../cluster/server-address.ts'
import { readError, WireReader } from '../wire-reader.ts'
import { decodeWal, type WalEvent } from './pgoutput.ts'

/** What a stream of changes calls; never again after `onEnd`. */
export interface WalListener {
  onEvent(event: WalEvent, stream: WalStream): void
  /** The server has nothing for us up to this position. */
  onProgress(lsn: bigint, stream: WalStream): void
  /** The stream is over; the error is Postgres' own, or `database.unavailable`. */
  onEnd(error: unknown): void
}

/** A running stream of changes. */
export interface WalStream {
  /** Tells the server that nothing up to the position is needed any more, and that we are alive. */
  confirm(lsn: bigint): void
  /** Stops and goes on reading; meanwhile the changes wait in the WAL. */
  pause(): void
  resume(): void
}

/** A connection for logical decoding of one project's database; only the platform's own commands run on it. */
export interface ReplicationSession extends AsyncDisposable {
  /**
   * Makes a lasting slot and answers where it begins. Waits for transactions of the whole cluster that are writing just now, but no
   * longer than told: throws `database.timeout` then, and pg's `DatabaseError` where there are too many slots (53400).
   */
  createSlot(name: string, withinMs: number): Promise<bigint>
  dropSlot(name: string): Promise<void>
  /** Reads from the slot, from the position that was confirmed last. Rejects with pg's `DatabaseError` where it cannot. */
  stream(slot: string, publications: readonly string[], listener: WalListener): Promise<WalStream>
}

const SLOT_NAME = /^[a-z0-9_]{1,63}$/
/** A process that hangs loses its slot to another one after this time. */
const SENDER_TIMEOUT_MS = 10_000

/** Connects for replication. Throws what `pg` throws. */
export async function openReplicationSession(login: Login): Promise<ReplicationSession> {
  const client = makeClient({
    ...toClientConfig(login.address),
    database: login.database,
    user: login.user,
    password: login.password,
    application_name: 'polder_replication',
    options: `${sessionOptions('platform', { statementTimeoutMs: 0, lockTimeoutMs: 0 })} -c wal_sender_timeout=${SENDER_TIMEOUT_MS}`,
    connectionTimeoutMillis: 5_000,
    replication: 'database',
  } as ClientConfig)
  try {
    await client.connect()
  } catch (error) {
    void client.end().catch(() => {})
    throw error
  }
  return new Session(client)
}

class Session implements ReplicationSession {
  readonly #client: Client
  readonly #socket: Socket
  readonly #ended: Promise<void>
  #isStreaming = false

  constructor(client: Client) {
    this.#client = client
    this.#socket = socketOf(client)
    this.#ended = new Promise((resolve) => client.once('end', () => resolve()))
  }

  async createSlot(name: string, withinMs: number): Promise<bigint> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      void cancelRunning(this.#client)
    }, withinMs)
    try {
      const made = await this.#client.query<{ consistent_point: string }>(
        `CREATE_REPLICATION_SLOT ${requireSlotName(name)} LOGICAL pgoutput (SNAPSHOT 'nothing')`,
      )
      return toLsn(made.rows[0]?.consistent_point ?? '0/0')
    } catch (cause) {
      if (isLate) throw new ServiceError('database.timeout', { cause })
      throw cause
    } finally {
      clearTimeout(timer)
    }
  }

  async dropSlot(name: string): Promise<void> {
    await this.#client.query(`DROP_REPLICATION_SLOT ${requireSlotName(name)}`)
  }

  stream(slot: string, publications: readonly string[], listener: WalListener): Promise<WalStream> {
    const names = escapeLiteral(publications.map((name) => `"${name.replaceAll('"', '""')}"`).join(','))
    const command = `START_REPLICATION SLOT ${requireSlotName(slot)} LOGICAL 0/0 (proto_version '1', publication_names ${names})`
    this.#isStreaming = true
    // From here on the connection is the stream's: pg would hold the rest of its life for one query.
    this.#socket.removeAllListeners('data')
    return new Promise((resolve, reject) => {
      const stream = new Stream(this.#socket, listener, { resolve, reject })
      this.#client.once('end', () => stream.end(undefined))
      this.#socket.write(toQuery(command))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStreaming) this.#socket.destroy()
    await this.#client.end().catch(() => {})
    await this.#ended
  }
}

interface Start {
  resolve(stream: WalStream): void
  reject(error: unknown): void
}

class Stream implements WalStream {
  readonly #socket: Socket
  readonly #listener: WalListener
  readonly #status = Buffer.alloc(39)
  #start: Start | undefined
  #error: unknown
  #isOver = false
  #confirmed = 0n

  constructor(socket: Socket, listener: WalListener, start: Start) {
    this.#socket = socket
    this.#listener = listener
    this.#start = start
    const reader = new WireReader((type, chunk, from, to) => this.#handle(type, chunk, from, to))
    socket.on('data', (chunk: Buffer) => {
      if (!this.#isOver) reader.read(chunk)
    })
  }

  confirm(lsn: bigint): void {
    if (lsn > this.#confirmed) this.#confirmed = lsn
    this.#sendStatus()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    const reason = error ?? this.#error ?? new ServiceError('database.unavailable')
    if (this.#start !== undefined) this.#start.reject(reason)
    else this.#listener.onEnd(reason)
  }

  #handle(type: number, chunk: Buffer, start: number, end: number): void {
    if (this.#isOver) return
    switch (type) {
      case 0x57: // CopyBothResponse
        this.#start?.resolve(this)
        this.#start = undefined
        break
      case 0x64: // CopyData
        this.#read(chunk, start, end)
        break
      case 0x45: // ErrorResponse
        this.#error = readError(chunk, start, end)
        break
      case 0x5a: // ReadyForQuery: the command is over, with an error or because the server ends
        this.#socket.destroy()
        this.end(undefined)
        break
    }
  }

  #read(chunk: Buffer, start: number, end: number): void {
    if (chunk[start] === 0x77) {
      // XLogData: where it starts, where the WAL ends, the time, and then the plugin's message
      const event = decodeWal(chunk.subarray(start + 25, end))
      if (event !== undefined) this.#listener.onEvent(event, this)
    } else if (chunk[start] === 0x6b) {
      // keepalive
      this.#listener.onProgress(chunk.readBigUInt64BE(start + 1), this)
      if (chunk[start + 17] === 1) this.#sendStatus()
    }
  }

  #sendStatus(): void {
    if (this.#isOver || !this.#socket.writable) return
    const status = this.#status
    status[0] = 0x64
    status.writeInt32BE(38, 1)
    status[5] = 0x72
    for (const at of [6, 14, 22]) status.writeBigUInt64BE(this.#confirmed, at)
    // its time is for the server's statistics only; the last byte asks for no answer
    status.fill(0, 30, 39)
    this.#socket.write(Buffer.from(status))
  }
}

function toQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`)
  const head = Buffer.alloc(5)
  head[0] = 0x51
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function requireSlotName(name: string): string {
  if (!SLOT_NAME.test(name)) throw new ServiceError('request.invalid', { message: 'This cannot be the name of a slot.' })
  return `"${name}"`
}

/** A position in the WAL from Postgres' own spelling, for example `0/16B3748`. */
export function toLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** The position as Postgres spells it. */
export function fromLsn(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffffffffn).toString(16).toUpperCase()}`
}
