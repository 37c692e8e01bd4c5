import { createConnection, type Socket } from 'node:net'
import { Client, Pool, type ClientConfig, type PoolConfig } from 'pg'
import type { ServerAddress } from './cluster/server-address.ts'
import { toClientConfig } from './cluster/server-address.ts'

/** The kinds of login that Polder connects as; each has its own session settings. */
export type SessionKind = 'platform' | 'authenticator' | 'owner' | 'control'

export interface SessionTimes {
  statementTimeoutMs?: number
  lockTimeoutMs?: number
}

const SEARCH_PATH: Record<SessionKind, string> = {
  // pg_temp is named, and last: unnamed it would come first, and a temporary table could stand in for a catalogue table
  platform: 'pg_catalog,pg_temp',
  authenticator: 'pg_catalog,pg_temp',
  control: 'pg_catalog,pg_temp',
  owner: '"$user",public,extensions',
}

const DEFAULT_TIMES: Record<SessionKind, Required<SessionTimes>> = {
  platform: { statementTimeoutMs: 5_000, lockTimeoutMs: 2_000 },
  authenticator: { statementTimeoutMs: 30_000, lockTimeoutMs: 0 },
  control: { statementTimeoutMs: 0, lockTimeoutMs: 10_000 },
  owner: { statementTimeoutMs: 0, lockTimeoutMs: 0 },
}

/**
 * The startup `options` of a session. What a client sends at start beats whatever a tenant has set for a role or a
 * database, and is what `RESET ALL` goes back to.
 */
export function sessionOptions(kind: SessionKind, times: SessionTimes = {}): string {
  const settings: Record<string, string | number> = {
    search_path: SEARCH_PATH[kind],
    role: 'none',
    standard_conforming_strings: 'on',
    client_encoding: 'UTF8',
    local_preload_libraries: '',
    idle_session_timeout: 0,
    default_transaction_read_only: 'off',
    default_transaction_isolation: 'read\\ committed',
    DateStyle: 'ISO',
    IntervalStyle: 'postgres',
    TimeZone: 'UTC',
    bytea_output: 'hex',
    extra_float_digits: 1,
    row_security: 'on',
    statement_timeout: times.statementTimeoutMs ?? DEFAULT_TIMES[kind].statementTimeoutMs,
    lock_timeout: times.lockTimeoutMs ?? DEFAULT_TIMES[kind].lockTimeoutMs,
    // A transaction that nobody goes on with keeps its locks, and the whole cluster's old rows.
    idle_in_transaction_session_timeout: kind === 'platform' || kind === 'authenticator' ? 60_000 : 0,
  }
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ')
}

/** Where and as whom to connect; the unix socket is preferred where there is one. */
export interface Login {
  address: ServerAddress
  database: string
  user: string
  password: string
}

/** The configuration of a connection of that kind. */
export function toSessionConfig(login: Login, kind: SessionKind, times?: SessionTimes): ClientConfig {
  return {
    ...toClientConfig(login.address),
    database: login.database,
    user: login.user,
    password: login.password,
    options: sessionOptions(kind, times),
    application_name: `polder_${kind}`,
  }
}

/** A client that cannot take the process down: an `error` event without a listener would. */
export function makeClient(config: ClientConfig): Client {
  const client = new Client(config)
  client.on('error', ignoreHere)
  return client
}

/** A pool whose clients keep their listener while they end, when the pool has already let go of them. */
export function makePool(config: PoolConfig): Pool {
  const pool = new Pool(config)
  pool.on('error', ignoreHere)
  pool.on('connect', (client) => client.on('error', ignoreHere))
  return pool
}

/** The client's socket, which pg's types do not show. */
export function socketOf(client: Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream
}

/** Asks the server, on a connection of its own, to cancel what the client's session is running. Never rejects. */
export function cancelRunning(client: Client): Promise<void> {
  // Not in pg's types: the key that the server handed out for exactly this.
  const { processID, secretKey } = client as unknown as { processID: number | null; secretKey: number | null }
  if (processID === null || secretKey === null) return Promise.resolve()
  const request = Buffer.allocUnsafe(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80_877_102, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  const { host, port } = client
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? createConnection(`${host}/.s.PGSQL.${port}`) : createConnection(port, host)
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('error', ignoreHere)
    socket.on('close', () => resolve())
    socket.on('connect', () => socket.end(request))
  })
}

// The event says what the failing query says too, or that an idle connection was lost, which the next use notices.
function ignoreHere(): void {}
