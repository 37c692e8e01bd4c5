import { Kysely, PostgresDialect } from 'kysely'
import { escapeIdentifier, type ClientConfig, type Pool } from 'pg'
import { makeClient, makePool } from '../connect.ts'
import { migrate } from '../migrate.ts'
import { isDatabaseError } from '../sql-state.ts'
import type { LogDatabase, LogTables } from './log-tables.ts'

export interface OpenLogDatabase {
  /** For reading: a statement ends after ten seconds. */
  db: LogDatabase
  /** The same connections. */
  pool: Pool
  /** For whoever writes on a connection of its own. */
  connection: ClientConfig
  /** Resolves when every socket is gone. */
  close(): Promise<void>
}

/** Name of the log database that belongs to a platform database. */
export function toLogDatabaseName(platformDatabase: string): string {
  return `${platformDatabase}_logs`
}

/**
 * Opens the log database beside the platform's, where it is not there makes it, and brings it to this code's ledger.
 * `control` is the connection of `platform_ctl` to the platform database.
 */
export async function openLogDatabase(control: ClientConfig): Promise<OpenLogDatabase> {
  const database = toLogDatabaseName(String(control.database))
  const connection = { ...control, database }
  await openOnce(connection, control)
  const pool = makePool({
    ...connection,
    max: 4,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 5_000,
    application_name: 'polder_log_reader',
    options: '-c search_path=pg_catalog,pg_temp -c statement_timeout=10000 -c TimeZone=UTC -c jit=off',
  })
  const open = new Set<Promise<void>>()
  pool.on('connect', (client) => {
    const gone = new Promise<void>((resolve) => client.once('end', () => resolve()))
    open.add(gone)
    void gone.then(() => open.delete(gone))
  })
  return {
    db: new Kysely<LogTables>({ dialect: new PostgresDialect({ pool }) }),
    pool,
    connection,
    async close() {
      if (!pool.ended) await pool.end()
      await Promise.all(open)
    },
  }
}

async function openOnce(connection: ClientConfig, control: ClientConfig): Promise<void> {
  try {
    await migrateOnce(connection)
  } catch (error) {
    if (!isDatabaseError(error) || error.code !== '3D000') throw error
    await makeDatabase(control, String(connection.database))
    await migrateOnce(connection)
  }
}

async function migrateOnce(connection: ClientConfig): Promise<void> {
  const client = makeClient({ ...connection, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    await migrate(client, { ledger: 'logs' })
  } finally {
    await client.end().catch(() => {})
  }
}

async function makeDatabase(control: ClientConfig, name: string): Promise<void> {
  const client = makeClient({ ...control, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    await client.query(`create database ${escapeIdentifier(name)} template template0 encoding 'UTF8' strategy wal_log`)
    await client.query(`revoke all on database ${escapeIdentifier(name)} from public`)
  } catch (error) {
    // another process makes it at the same moment
    if (!isDatabaseError(error) || !['42P04', '23505', '55006'].includes(error.code ?? '')) throw error
  } finally {
    await client.end().catch(() => {})
  }
}
