import type { Client } from 'pg'
import { cancelRunning, makeClient, socketOf, toSessionConfig, type Login } from './connect.ts'
import { createByteSource, toByteSource, type ByteSource } from './project/byte-source.ts'
import { OneSyncConnection } from './project/one-sync.ts'

/** The logins of a project that the pool connects as; the owner's sessions are never pooled. */
export type PooledLogin = 'authenticator' | 'platform'

/** How many statements are sent ahead of their answers on one connection. */
const MOST_IN_FLIGHT = 8
/** Whoever waits behind a statement for longer than this asks on another connection. */
const TAKES_LONG_MS = 50

interface PooledConnectionOptions {
  connectMs: number
  statementTimeoutMs: number
  onFree(connection: PooledConnection): void
  /** One of several holders has given it back. */
  onShared(connection: PooledConnection): void
  onGone(connection: PooledConnection): void
}

/** A connection lent to one holder, or to several whose statements follow each other. */
export class Lease {
  readonly client: Client
  /** The data plane's way to talk on an authenticator's connection; `client.query` is for the platform's login only. */
  readonly oneSync: OneSyncConnection | undefined
  #connection: PooledConnection | undefined

  constructor(connection: PooledConnection) {
    this.client = connection.client
    this.oneSync = connection.oneSync
    this.#connection = connection
  }

  /** Gives the connection back, once; with `destroy` it is closed instead, for a state that nobody should find it in. */
  release(destroy = false): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.takeBack(destroy)
  }
}

/** One database connection of a pool. */
export class PooledConnection {
  readonly login: PooledLogin
  readonly client: Client
  oneSync: OneSyncConnection | undefined
  isBusy = true
  /** When it was lent, or when it came back, by `performance.now()`. */
  since = performance.now()
  #holders = 0
  readonly #options: PooledConnectionOptions
  readonly #source: ByteSource | undefined
  #isOpen = false
  #isGone = false
  #cancelledAt = 0
  readonly #ended: Promise<void>

  constructor(login: PooledLogin, connection: Login, options: PooledConnectionOptions) {
    this.login = login
    this.#options = options
    const times = login === 'authenticator' ? { statementTimeoutMs: options.statementTimeoutMs } : {}
    const config = { ...toSessionConfig(connection, login, times), connectionTimeoutMillis: options.connectMs }
    // Where pg encrypts, it puts another socket before this one.
    if (login === 'authenticator' && !config.ssl) this.#source = createByteSource()
    this.client = makeClient({ ...config, ...(this.#source && { stream: () => this.#source!.socket }) })
    this.#ended = new Promise((resolve) => this.client.once('end', () => resolve()))
    this.client.once('end', () => this.#leave())
  }

  async open(): Promise<void> {
    try {
      await this.client.connect()
    } catch (error) {
      void this.client.end().catch(() => {})
      throw error
    }
    if (this.login === 'authenticator')
      this.oneSync = new OneSyncConnection(this.client, this.#source ?? toByteSource(socketOf(this.client)))
    this.#isOpen = true
    this.since = performance.now()
  }

  lend(): Lease {
    this.isBusy = true
    this.since = performance.now()
    this.#holders += 1
    return new Lease(this)
  }

  get inFlight(): number {
    return this.oneSync?.inFlight ?? 0
  }

  /** Whether another statement may be sent behind those on their way: not too many, and none of them takes long. */
  mayShare(now: number): boolean {
    const { oneSync } = this
    if (oneSync === undefined || oneSync.isSpoilt || oneSync.isStreaming || this.#cancelledAt !== 0 || oneSync.inFlight >= MOST_IN_FLIGHT)
      return false
    if (now - (oneSync.busySince ?? now) <= TAKES_LONG_MS) return true
    oneSync.abandonOthers()
    return false
  }

  takeBack(destroy: boolean): void {
    this.#holders -= 1
    if (this.#isGone) return
    if (this.#holders > 0) return this.#options.onShared(this)
    if (destroy || this.oneSync?.isSpoilt === true) void this.close()
    else if (this.login === 'platform') void this.#clean()
    else this.#free()
  }

  /** Resolves when the socket is gone. */
  close(): Promise<void> {
    this.#leave()
    if (this.isBusy) {
      // Asked to end, a busy session would finish its statement first.
      void cancelRunning(this.client)
      socketOf(this.client).destroy()
    } else {
      void this.client.end().catch(() => {})
    }
    return this.#ended
  }

  /** Ends what runs too long: a tenant's function can lift `statement_timeout`, but not this. */
  watch(now: number, limitMs: number, graceMs: number): void {
    const since = Math.max(this.since, this.oneSync?.busySince ?? 0)
    if (this.#holders > 1 && now - since > TAKES_LONG_MS) this.oneSync?.abandonOthers()
    if (now - since <= limitMs) return
    if (this.#cancelledAt === 0) {
      this.#cancelledAt = now
      void cancelRunning(this.client)
    } else if (now - this.#cancelledAt > graceMs) {
      void this.close()
    }
  }

  // Tenants' triggers run in the platform's sessions too; what they left behind is gone before the next use.
  async #clean(): Promise<void> {
    try {
      await this.client.query('discard all')
      this.#free()
    } catch {
      void this.close()
    }
  }

  #free(): void {
    if (this.#isGone) return
    this.isBusy = false
    this.#cancelledAt = 0
    this.since = performance.now()
    this.#options.onFree(this)
  }

  #leave(): void {
    if (this.#isGone || !this.#isOpen) return
    this.#isGone = true
    this.#options.onGone(this)
  }
}
