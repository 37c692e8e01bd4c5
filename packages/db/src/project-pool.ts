import type { Login } from './connect.ts'
import type { Lease, PooledConnection, PooledLogin } from './pooled-connection.ts'
import type { PoolStatistics } from './pool-manager.ts'

/** A request that waits for a connection. */
export interface Waiter {
  login: PooledLogin
  connection: Login
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
  readonly waiters: Waiter[] = []
  // Last in, first out: the rest grows old and is closed.
  readonly #idle: Record<PooledLogin, PooledConnection[]> = { authenticator: [], platform: [] }

  constructor(ref: string) {
    this.ref = ref
  }

  get idleCount(): number {
    return this.#idle.authenticator.length + this.#idle.platform.length
  }

  idle(): PooledConnection[] {
    return [...this.#idle.authenticator, ...this.#idle.platform]
  }

  take(login: PooledLogin): Lease | undefined {
    for (let connection = this.#idle[login].pop(); connection !== undefined; connection = this.#idle[login].pop()) {
      if (connection.oneSync?.isSpoilt === true) {
        // The server said goodbye while it was idle; that the socket is closed, we only hear in a moment.
        void connection.close()
        continue
      }
      this.served += 1
      return connection.lend()
    }
    return undefined
  }

  putIdle(connection: PooledConnection): void {
    this.#idle[connection.login].push(connection)
  }

  closeOldestIdle(): PooledConnection | undefined {
    const [oldest] = this.idle().sort((a, b) => a.since - b.since)
    void oldest?.close()
    return oldest
  }

  remove(connection: PooledConnection): void {
    this.connections.delete(connection)
    const idle = this.#idle[connection.login]
    const index = idle.indexOf(connection)
    if (index !== -1) idle.splice(index, 1)
  }

  statistics(): PoolStatistics {
    const idle = this.idleCount
    return { open: this.open, idle, busy: this.open - idle, waiting: this.waiters.length, served: this.served }
  }
}
