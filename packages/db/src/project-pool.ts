import type { Login } from './connect.ts'
import type { Lease, PooledConnection, PooledLogin } from './pooled-connection.ts'
import type { PoolStatistics } from './pool-manager.ts'

/** So many connections keep a server busy; more are only shared when these have enough to do. */
const ENOUGH_SHARED = 4

/** A request that waits for a connection. */
export interface Waiter {
  login: PooledLogin
  connection: Login
  /** Whether a connection will do that others use at the same time. */
  isShared: boolean
  resolve(lease: Lease): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/** One project's connections and those who wait for one; the manager decides, this keeps the books. */
export class ProjectPool {
  readonly ref: string
  /** Connections that are open or being opened. */
  open = 0
  served = 0
  isClosed = false
  readonly connections = new Set<PooledConnection>()
  /** By login: who waits for one kind of connection does not hold up who waits for the other. */
  readonly waiters: Record<PooledLogin, Waiter[]> = { authenticator: [], platform: [] }
  /** Those whose holders take it in turn. */
  readonly #shared = new Set<PooledConnection>()
  // Last in, first out: the rest grows old and is closed.
  readonly #idle: Record<PooledLogin, PooledConnection[]> = { authenticator: [], platform: [] }

  constructor(ref: string) {
    this.ref = ref
  }

  get waiting(): number {
    return this.waiters.authenticator.length + this.waiters.platform.length
  }

  /** Takes out everybody who waits. */
  dismiss(): Waiter[] {
    return [...this.waiters.authenticator.splice(0), ...this.waiters.platform.splice(0)]
  }

  get idleCount(): number {
    return this.#idle.authenticator.length + this.#idle.platform.length
  }

  idle(): PooledConnection[] {
    return [...this.#idle.authenticator, ...this.#idle.platform]
  }

  take(login: PooledLogin, isShared: boolean): Lease | undefined {
    if (!isShared) return this.#takeIdle(login, false)
    const best = this.#findLeastBusy()
    if (best === undefined || (this.#shared.size < ENOUGH_SHARED && best.inFlight > 0)) {
      const idle = this.#takeIdle(login, true)
      if (idle !== undefined) return idle
    }
    if (best === undefined) return undefined
    this.served += 1
    return best.lend()
  }

  #findLeastBusy(): PooledConnection | undefined {
    const now = performance.now()
    let best: PooledConnection | undefined
    for (const connection of this.#shared) {
      if (connection.mayShare(now) && (best === undefined || connection.inFlight < best.inFlight)) best = connection
    }
    return best
  }

  #takeIdle(login: PooledLogin, isShared: boolean): Lease | undefined {
    for (let connection = this.#idle[login].pop(); connection !== undefined; connection = this.#idle[login].pop()) {
      if (connection.oneSync?.isSpoilt === true) {
        // The server said goodbye while it was idle; that the socket is closed, we only hear in a moment.
        void connection.close()
        continue
      }
      return this.lend(connection, isShared)
    }
    return undefined
  }

  /** Lends a connection that nobody holds. */
  lend(connection: PooledConnection, isShared: boolean): Lease {
    this.served += 1
    if (isShared) this.#shared.add(connection)
    return connection.lend()
  }

  putIdle(connection: PooledConnection): void {
    this.#shared.delete(connection)
    this.#idle[connection.login].push(connection)
  }

  closeOldestIdle(): PooledConnection | undefined {
    return closeOldest(this.idle())
  }

  /**
   * Makes place for a connection of the login among the project's own. The last one of the other login is only closed for
   * a login that has none: else the two would take it in turn, and every request would wait for a new connection.
   */
  makeRoomFor(login: PooledLogin): PooledConnection | undefined {
    const other = login === 'platform' ? 'authenticator' : 'platform'
    const counts = { authenticator: 0, platform: 0 }
    for (const connection of this.connections) counts[connection.login] += 1
    return counts[login] === 0 || counts[other] > 1 ? closeOldest(this.#idle[other]) : undefined
  }

  /**
   * A project under load gives a connection away only to one that has clearly less: else the two would take it in turn,
   * and every request would wait for a new connection.
   */
  mayGiveTo(pool: ProjectPool): boolean {
    if (this.idleCount === 0) return false
    return this.waiting === 0 || pool.open === 0 || this.open > pool.open + 1
  }

  remove(connection: PooledConnection): void {
    this.connections.delete(connection)
    this.#shared.delete(connection)
    const idle = this.#idle[connection.login]
    const index = idle.indexOf(connection)
    if (index !== -1) idle.splice(index, 1)
  }

  statistics(): PoolStatistics {
    const idle = this.idleCount
    return { open: this.open, idle, busy: this.open - idle, waiting: this.waiting, served: this.served }
  }
}

function closeOldest(connections: readonly PooledConnection[]): PooledConnection | undefined {
  const [oldest] = connections.toSorted((a, b) => a.since - b.since)
  void oldest?.close()
  return oldest
}
