import { Kysely, PostgresDialect } from 'kysely'
import type { Pool, PoolConfig } from 'pg'
import { makePool } from '../connect.ts'
import type { PlatformDatabase } from './platform-database.ts'
import type { PlatformTables } from './tables.ts'

export interface OpenPlatformDatabase extends AsyncDisposable {
  db: PlatformDatabase
  /** The same connections, for libraries that want a pool of `pg`. */
  pool: Pool
  /** Resolves when every socket is gone, so that the server may be stopped right after. */
  close(): Promise<void>
}

/** Opens the platform database with a pool (10 connections unless `max` says otherwise). */
export function openPlatformDatabase(config: PoolConfig): OpenPlatformDatabase {
  const pool = makePool({ max: 10, idleTimeoutMillis: 60_000, connectionTimeoutMillis: 5_000, application_name: 'polder', ...config })
  const open = new Set<Promise<void>>()
  pool.on('connect', (client) => {
    const gone = new Promise<void>((resolve) => client.once('end', () => resolve()))
    open.add(gone)
    void gone.then(() => open.delete(gone))
  })
  const db = new Kysely<PlatformTables>({ dialect: new PostgresDialect({ pool }) })
  let closing: Promise<void> | undefined
  async function closeAll(): Promise<void> {
    await db.destroy()
    if (!pool.ended) await pool.end()
    await Promise.all(open)
  }
  function close(): Promise<void> {
    closing ??= closeAll()
    return closing
  }
  return { db, pool, close, [Symbol.asyncDispose]: close }
}
