import type { Client } from 'pg'
import { cancelRunning, makeClient, socketOf, toSessionConfig, type Login } from './connect.ts'
import { OneSyncConnection } from './project/one-sync.ts'

/** The logins of a project that the pool connects as; the owner's sessions are never pooled. */
export type PooledLogin = 'authenticator' | 'platform'

interface PooledConnectionOptions {
  connectMs: number
  statementTimeoutMs: number
  onFree(connection: PooledConnection): void
  onGone(connection: PooledConnection): void
}

/** A connection lent to one holder. */
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
  /** When it was lent, or when it came back. */
  since = Date.now()
  readonly #options: PooledConnectionOptions
  #isOpen = false
  #isGone = false
  #cancelledAt = 0
  readonly #ended: Promise<void>

  constructor(login: PooledLogin, connection: Login, options: PooledConnectionOptions) {
    this.login = login
    this.#options = options
    const times = login === 'authenticator' ? { statementTimeoutMs: options.statementTimeoutMs } : {}
    this.client = makeClient({ ...toSessionConfig(connection, login, times), connectionTimeoutMillis: options.connectMs })
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
    if (this.login === 'authenticator') this.oneSync = new OneSyncConnection(this.client)
    this.#isOpen = true
    this.since = Date.now()
  }

  lend(): Lease {
    this.isBusy = true
    this.since = Date.now()
    return new Lease(this)
  }

  takeBack(destroy: boolean): void {
    if (this.#isGone) return
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
    if (now - this.since <= limitMs) return
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
    this.since = Date.now()
    this.#options.onFree(this)
  }

  #leave(): void {
    if (this.#isGone || !this.#isOpen) return
    this.#isGone = true
    this.#options.onGone(this)
  }
}
