import { isReading, isServiceError, ServiceError, type AppCaller, type Caller } from '@polder/core'
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import { cancelRunning, makeClient, socketOf, toSessionConfig, type Login } from '../connect.ts'
import type { ConnectionPoolManager } from '../pool-manager.ts'
import type { Lease } from '../pooled-connection.ts'
import { isConnectionLost, isDatabaseError, toOpenError } from '../sql-state.ts'
import type { CallerIdentity } from './batch.ts'
import { ConnectionTaken, type OneSyncConnection } from './one-sync.ts'
import type { CallerResult, CallerStatement, Keep, OwnerSession, ProjectDatabase } from './project-database.ts'
import { openReplicationSession, type ReplicationSession } from './replication/replication-session.ts'
import { StatementTimes } from './statement-times.ts'
import type { ProjectTables } from './tables/project-tables.ts'

export interface ProjectDatabaseOptions {
  ref: string
  pools: ConnectionPoolManager
  logins: { authenticator: Login; platform: Login; owner: Login; replication?: Login }
}

/** One project's database, to be opened for each caller; holds no connection. */
export interface ProjectDatabaseFactory {
  forCaller(caller: Caller): ProjectDatabase
}

/** Makes the ways into a project's database. */
export function createProjectDatabase(options: ProjectDatabaseOptions): ProjectDatabaseFactory {
  const engine = new Engine(options)
  return { forCaller: (caller) => new CallerDatabase(engine, caller) }
}

/** Members, and what the platform has judged by itself. */
const SERVICE: CallerIdentity = { role: 'service_role', claimsJson: JSON.stringify({ role: 'service_role' }) }

const AUTH_ADMIN: CallerIdentity = { role: 'supabase_auth_admin', claimsJson: JSON.stringify({ role: 'supabase_auth_admin' }) }

class CallerDatabase implements ProjectDatabase {
  readonly #engine: Engine
  readonly #identity: CallerIdentity
  readonly #mustRead: boolean

  constructor(engine: Engine, caller: Caller) {
    this.#engine = engine
    this.#identity = caller.kind === 'app' ? caller : SERVICE
    // Checked for reading is not checked for writing, whatever the statement is.
    this.#mustRead = caller.kind === 'member' && isReading(caller.permission)
  }

  asCaller(statement: CallerStatement, keep?: Keep): Promise<CallerResult> {
    return this.#engine.runAs(this.#identity, this.#toAllowed(statement), keep)
  }

  asService(statement: CallerStatement, keep?: Keep): Promise<CallerResult> {
    return this.#engine.runAs(SERVICE, this.#toAllowed(statement), keep)
  }

  asCallers(statement: CallerStatement, callers: readonly AppCaller[]): Promise<CallerResult[]> {
    return this.#engine.runAsEach({ ...statement, isReadOnly: true }, callers)
  }

  asAuthAdmin(statement: CallerStatement): Promise<CallerResult> {
    return this.#engine.runAs(AUTH_ADMIN, statement)
  }

  asOwner<Result>(work: (tx: Kysely<ProjectTables>) => Promise<Result>): Promise<Result> {
    return this.#engine.asOwner(work)
  }

  #toAllowed(statement: CallerStatement): CallerStatement {
    return this.#mustRead && !statement.isReadOnly ? { ...statement, isReadOnly: true } : statement
  }

  openOwnerSession(): Promise<OwnerSession> {
    return this.#engine.openOwnerSession()
  }

  openReplication(): Promise<ReplicationSession> {
    return this.#engine.openReplication()
  }
}

class Engine {
  readonly #ref: string
  readonly #pools: ConnectionPoolManager
  readonly #logins: ProjectDatabaseOptions['logins']
  readonly #times = new StatementTimes()
  #kysely: Kysely<ProjectTables> | undefined

  constructor({ ref, pools, logins }: ProjectDatabaseOptions) {
    this.#ref = ref
    this.#pools = pools
    this.#logins = logins
  }

  async runAs(identity: CallerIdentity, statement: CallerStatement, keep?: Keep): Promise<CallerResult> {
    if (keep !== undefined) return this.#withOneSync(statement, false, (oneSync) => oneSync.runAndKeep(statement, identity, keep))
    // What takes long, or may have to wait for others, gets a connection of its own; so does what nobody knows yet.
    const mayShare = statement.isReadOnly && this.#times.isQuick(statement.text)
    const result = await this.#withOneSync(statement, mayShare, (oneSync, onDone) => oneSync.run(statement, identity, onDone))
    if (statement.isReadOnly) this.#times.note(statement.text, result.durationMs)
    return result
  }

  runAsEach(statement: CallerStatement, identities: readonly CallerIdentity[]): Promise<CallerResult[]> {
    if (identities.length === 0) return Promise.resolve([])
    return this.#withOneSync(statement, false, (oneSync) => oneSync.runEach(statement, identities))
  }

  async #withOneSync<Result>(
    statement: CallerStatement,
    mayShare: boolean,
    run: (oneSync: OneSyncConnection, onDone?: () => void) => Promise<Result>,
  ): Promise<Result> {
    const { cancellation } = statement
    for (let tries = 1; ; tries += 1) {
      const isShared = mayShare && tries === 1
      const lease =
        this.#pools.tryAcquire(this.#ref, 'authenticator', isShared) ??
        (await this.#pools.acquire(this.#ref, 'authenticator', this.#logins.authenticator, isShared))
      let isStreamed = false
      try {
        if (cancellation?.isCancelled) throw new ServiceError('request.abandoned')
        const result = await run(lease.oneSync!, statement.isStreamed === true ? () => lease.release() : undefined)
        // The connection is given back when the stream is done with it.
        isStreamed = (result as Partial<CallerResult>).stream !== undefined
        return result
      } catch (error) {
        const mayTry = error instanceof ConnectionTaken || mayAskAgain(statement, error)
        if (!mayTry || tries > (mayShare ? 2 : 1)) throw error
      } finally {
        if (!isStreamed) lease.release()
        if (cancellation !== undefined) cancellation.act = undefined
      }
    }
  }

  async asOwner<Result>(work: (tx: Kysely<ProjectTables>) => Promise<Result>): Promise<Result> {
    this.#kysely ??= new Kysely<ProjectTables>({ dialect: new PostgresDialect({ pool: this.#toKyselyPool() }) })
    try {
      return await this.#kysely.transaction().execute(work)
    } catch (error) {
      if (isConnectionLost(error)) throw new ServiceError('database.unavailable', { cause: error })
      throw error
    }
  }

  async openOwnerSession(): Promise<OwnerSession> {
    const { owner } = this.#logins
    try {
      return await openSession(owner)
    } catch (error) {
      if (!isDatabaseError(error) || error.code !== '28P01') throw toOpenError(error)
      const password = await this.#pools.restorePassword(this.#ref, 'owner', owner.password)
      if (password === undefined) throw toOpenError(error)
      return await openSession({ ...owner, password }).catch((second: unknown) => {
        throw toOpenError(second)
      })
    }
  }

  async openReplication(): Promise<ReplicationSession> {
    const { replication } = this.#logins
    if (replication === undefined) throw new ServiceError('database.unavailable')
    return openReplicationSession(replication).catch((error: unknown) => {
      throw toOpenError(error)
    })
  }

  #toKyselyPool(): PostgresPool {
    return {
      options: {},
      connect: async () => {
        const { platform } = this.#logins
        const lease = this.#pools.tryAcquire(this.#ref, 'platform') ?? (await this.#pools.acquire(this.#ref, 'platform', platform))
        return toKyselyClient(lease)
      },
      // The connections are the pool manager's.
      end: async () => {},
    }
  }
}

// The connection may have died long before this request. A read can simply be asked again, and so can anything that a
// session did not get to: it was ended for being idle.
function mayAskAgain(statement: CallerStatement, error: unknown): boolean {
  if (!isServiceError(error, 'database.unavailable')) return false
  return statement.isReadOnly || (isDatabaseError(error.cause) && error.cause.code === '57P05')
}

function toKyselyClient(lease: Lease): Awaited<ReturnType<PostgresPool['connect']>> {
  const query = lease.client.query.bind(lease.client) as Awaited<ReturnType<PostgresPool['connect']>>['query']
  return { query, release: (destroy) => lease.release(destroy === true) }
}

async function openSession(login: Login): Promise<OwnerSession> {
  const client = makeClient({ ...toSessionConfig(login, 'owner'), connectionTimeoutMillis: 5_000 })
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  try {
    await client.connect()
  } catch (error) {
    void client.end().catch(() => {})
    throw error
  }
  return {
    client,
    cancel: () => cancelRunning(client),
    async [Symbol.asyncDispose]() {
      // Whatever still runs would run on without anyone to see its result.
      const isIdle = (client as unknown as { readyForQuery: boolean }).readyForQuery
      if (!isIdle) {
        await cancelRunning(client)
        socketOf(client).destroy()
      }
      await client.end().catch(() => {})
      await ended
    },
  }
}
