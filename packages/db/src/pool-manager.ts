import { ServiceError, type Observe } from '@polder/core'
import type { Login } from './connect.ts'
import { PooledConnection, type Lease, type PooledLogin } from './pooled-connection.ts'
import { ProjectPool, type Waiter } from './project-pool.ts'
import { isDatabaseError, toOpenError } from './sql-state.ts'

export interface ConnectionPoolOptions {
  /** Connections of one project, over all its logins. */
  maxPerProject?: number
  /** Connections of all projects together. */
  maxTotal?: number
  /** How long an unused connection stays open. */
  idleMs?: number
  /** How long opening a connection may take. */
  connectMs?: number
  /** How long one statement may run; a lease that lasts longer than this and a grace is cancelled, then destroyed. */
  statementTimeoutMs?: number
  /** How long a request waits for a connection. */
  queueMs?: number
  observe: Observe
}

/** Numbers of one project's pool. */
export interface PoolStatistics {
  open: number
  idle: number
  busy: number
  waiting: number
  /** Leases given out since the pool was made. */
  served: number
}

/** Called when Postgres refuses a login's password; answers the password to try once more, or undefined. */
export type AuthenticationFailed = (ref: string, login: PooledLogin | 'owner', refused: string) => Promise<string | undefined>

/** Lends database connections to projects: each has its own, all share one cap, and none can starve the others. */
export interface ConnectionPoolManager extends AsyncDisposable {
  /** Limits in force. */
  readonly limits: { readonly maxPerProject: number; readonly maxTotal: number; readonly statementTimeoutMs: number }
  /** An idle connection of that login if there is one and nobody is before us: the way without a promise. */
  tryAcquire(ref: string, login: PooledLogin, isShared?: boolean): Lease | undefined
  /**
   * With `isShared`, the connection may be one that others with that wish use at the same time, by `oneSync` alone.
   * Throws `project.connections_exhausted` after waiting too long, and `database.unavailable` where none can be opened.
   */
  acquire(ref: string, login: PooledLogin, connection: Login, isShared?: boolean): Promise<Lease>
  statistics(): Map<string, PoolStatistics>
  /** Closes the project's idle connections now and the busy ones when they are given back. Waiting requests are refused. */
  closeProject(ref: string): Promise<void>
  /** One hook, set by the composition root. */
  onAuthenticationFailed(hook: AuthenticationFailed): void
  /** One hook, set by the composition root: the project's last connection is gone, so whatever was kept for its speed may go too. */
  onEmptied(hook: (ref: string) => void): void
  /** Asks that hook for a password in place of the refused one, once however many connections were refused. */
  restorePassword(ref: string, login: PooledLogin | 'owner', refused: string): Promise<string | undefined>
  end(): Promise<void>
}

/** The platform's first: there are few of them, and they do not take long. */
const LOGINS: readonly PooledLogin[] = ['platform', 'authenticator']
const TICK_MS = 1_000
const GRACE_MS = 2_000
const RESTORED_MS = 5_000
/** A connection that we just closed still counts on the server for a moment. */
const RETRY_AT_LIMIT_MS = [20, 60, 200]

/** Makes the pools; nothing is opened, and no timer runs, before the first request. */
export function createConnectionPoolManager(options: ConnectionPoolOptions): ConnectionPoolManager {
  return new PoolManager(options)
}

class PoolManager implements ConnectionPoolManager {
  readonly limits: { maxPerProject: number; maxTotal: number; statementTimeoutMs: number }
  readonly #idleMs: number
  readonly #connectMs: number
  readonly #queueMs: number
  readonly #observe: Observe
  readonly #pools = new Map<string, ProjectPool>()
  /** Pools with waiters, in the order in which they are next served. */
  readonly #ring = new Set<ProjectPool>()
  #open = 0
  #ticker: NodeJS.Timeout | undefined
  #isEnded = false
  // Closing a connection to make room leads back to #serve, which then is at work already.
  #isServing = false
  readonly #restored = new Map<string, { at: number; password: Promise<string | undefined> }>()
  #authenticationFailed: AuthenticationFailed = async () => undefined
  #emptied: (ref: string) => void = () => {}
  readonly onEmptied = (hook: (ref: string) => void): void => void (this.#emptied = hook)

  constructor(options: ConnectionPoolOptions) {
    this.limits = {
      maxPerProject: options.maxPerProject ?? 10,
      maxTotal: options.maxTotal ?? 80,
      statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    }
    this.#idleMs = options.idleMs ?? 300_000
    this.#connectMs = options.connectMs ?? 5_000
    this.#queueMs = options.queueMs ?? 10_000
    this.#observe = options.observe
  }

  onAuthenticationFailed(hook: AuthenticationFailed): void {
    this.#authenticationFailed = hook
    this.#restored.clear()
  }

  tryAcquire(ref: string, login: PooledLogin, isShared = false): Lease | undefined {
    const pool = this.#pools.get(ref)
    return pool === undefined || pool.waiters[login].length > 0 ? undefined : pool.take(login, isShared)
  }

  acquire(ref: string, login: PooledLogin, connection: Login, isShared = false): Promise<Lease> {
    if (this.#isEnded) return Promise.reject(new ServiceError('system.unavailable'))
    let pool = this.#pools.get(ref)
    if (pool === undefined) this.#pools.set(ref, (pool = new ProjectPool(ref)))
    const idle = pool.waiters[login].length > 0 ? undefined : pool.take(login, isShared)
    if (idle !== undefined) return Promise.resolve(idle)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(pool, waiter), this.#queueMs)
      const waiter: Waiter = { login, connection, isShared, resolve, reject, timer }
      pool.waiters[login].push(waiter)
      this.#ring.add(pool)
      this.#serve()
    })
  }

  statistics(): Map<string, PoolStatistics> {
    return new Map([...this.#pools].map(([ref, pool]) => [ref, pool.statistics()]))
  }

  async closeProject(ref: string): Promise<void> {
    const pool = this.#pools.get(ref)
    if (pool === undefined) return
    // Whoever comes after this gets a pool of its own; what is busy here is closed when it comes back.
    this.#pools.delete(ref)
    this.#ring.delete(pool)
    for (const login of ['authenticator', 'platform', 'owner']) this.#restored.delete(`${ref} ${login}`)
    pool.isClosed = true
    for (const waiter of pool.dismiss()) {
      clearTimeout(waiter.timer)
      waiter.reject(new ServiceError('database.unavailable'))
    }
    await Promise.all(pool.idle().map((connection) => connection.close()))
  }

  async end(): Promise<void> {
    this.#isEnded = true
    clearInterval(this.#ticker)
    const pools = [...this.#pools.values()]
    await Promise.all(pools.map((pool) => this.closeProject(pool.ref)))
    await Promise.all(pools.flatMap((pool) => [...pool.connections].map((connection) => connection.close())))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  /** Gives what is free to the projects in turn, one waiter each, until nothing more can be given. */
  #serve(): void {
    if (this.#isServing) return
    this.#isServing = true
    for (let isProgress = true; isProgress;) {
      isProgress = false
      for (const pool of [...this.#ring]) {
        if (!this.#serveOne(pool)) continue
        isProgress = true
        this.#ring.delete(pool)
        if (pool.waiting > 0) this.#ring.add(pool)
      }
    }
    this.#isServing = false
  }

  #serveOne(pool: ProjectPool): boolean {
    for (const login of LOGINS) {
      const [waiter] = pool.waiters[login]
      if (waiter === undefined) continue
      const idle = pool.take(login, waiter.isShared)
      if (idle === undefined && !this.#makeRoom(pool, login)) continue
      pool.waiters[login].shift()
      clearTimeout(waiter.timer)
      if (idle === undefined) void this.#openFor(pool, waiter)
      else waiter.resolve(idle)
      return true
    }
    if (pool.waiting === 0) this.#ring.delete(pool)
    return false
  }

  #makeRoom(pool: ProjectPool, login: PooledLogin): boolean {
    if (pool.open >= this.limits.maxPerProject) return pool.makeRoomFor(login) !== undefined
    if (this.#open < this.limits.maxTotal) return true
    if (pool.makeRoomFor(login) !== undefined) return true
    const [richest] = [...this.#pools.values()].filter((other) => other.mayGiveTo(pool)).sort((a, b) => b.open - a.open)
    return richest?.closeOldestIdle() !== undefined
  }

  async #openFor(pool: ProjectPool, waiter: Waiter): Promise<void> {
    pool.open += 1
    this.#open += 1
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref()
    try {
      const connection = await this.#connect(pool, waiter)
      if (pool.isClosed) {
        void connection.close()
        throw new ServiceError('database.unavailable')
      }
      waiter.resolve(pool.lend(connection, waiter.isShared))
    } catch (error) {
      this.#observe({ kind: 'pool', event: 'connection_error', ref: pool.ref, message: String(error) })
      waiter.reject(toOpenError(error))
    }
  }

  async #connect(pool: ProjectPool, waiter: Waiter, login = waiter.connection, attempt = 0): Promise<PooledConnection> {
    const connection = new PooledConnection(waiter.login, login, {
      connectMs: this.#connectMs,
      statementTimeoutMs: this.limits.statementTimeoutMs,
      onFree: (free) => this.#takeBack(pool, free),
      onShared: () => this.#ring.size > 0 && this.#serve(),
      onGone: (gone) => this.#forget(pool, gone),
    })
    try {
      await connection.open()
      pool.connections.add(connection)
      return connection
    } catch (error) {
      const state = isDatabaseError(error) ? error.code : undefined
      const pause = RETRY_AT_LIMIT_MS[attempt]
      if (state === '53300' && pause !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, pause))
        return this.#connect(pool, waiter, login, attempt + 1)
      }
      if (state === '28P01' && login === waiter.connection) {
        const password = await this.restorePassword(pool.ref, waiter.login, login.password)
        if (password !== undefined) return this.#connect(pool, waiter, { ...login, password })
      }
      this.#forget(pool, connection)
      throw error
    }
  }

  restorePassword(ref: string, login: PooledLogin | 'owner', refused: string): Promise<string | undefined> {
    const key = `${ref} ${login}`
    const last = this.#restored.get(key)
    // Several connections are refused at once, and hear of it one after the other.
    if (last !== undefined && Date.now() - last.at < RESTORED_MS) return last.password
    const password = this.#authenticationFailed(ref, login, refused).catch((cause: unknown) => {
      this.#observe({ kind: 'error', ref, code: 'database.unavailable', cause })
      return undefined
    })
    this.#restored.set(key, { at: Date.now(), password })
    return password
  }

  #takeBack(pool: ProjectPool, connection: PooledConnection): void {
    if (pool.isClosed) void connection.close()
    else pool.putIdle(connection)
    if (this.#ring.size > 0) this.#serve()
  }

  #forget(pool: ProjectPool, connection: PooledConnection): void {
    pool.remove(connection)
    pool.open -= 1
    if (pool.open === 0) this.#emptied(pool.ref)
    this.#open -= 1
    if (this.#open === 0) {
      clearInterval(this.#ticker)
      this.#ticker = undefined
    }
    if (this.#ring.size > 0) this.#serve()
  }

  #giveUp(pool: ProjectPool, waiter: Waiter): void {
    const waiters = pool.waiters[waiter.login]
    waiters.splice(waiters.indexOf(waiter), 1)
    if (pool.waiting === 0) this.#ring.delete(pool)
    this.#observe({ kind: 'pool', event: 'exhausted', ref: pool.ref, message: `no connection within ${this.#queueMs} ms` })
    waiter.reject(new ServiceError('project.connections_exhausted'))
  }

  #tick(): void {
    const now = performance.now()
    for (const pool of this.#pools.values()) {
      for (const connection of pool.connections) {
        if (connection.isBusy) connection.watch(now, this.limits.statementTimeoutMs + GRACE_MS, GRACE_MS)
        else if (now - connection.since > this.#idleMs) void connection.close()
      }
    }
  }
}
