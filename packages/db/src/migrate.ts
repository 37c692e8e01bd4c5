import type { ClientBase } from 'pg'
import { listMigrations, type Ledger, type Migration } from './migration-files.ts'

export interface MigrateOptions {
  ledger: Ledger
  /** Whom the objects shall belong to: `set role` for the time of the migration. */
  role?: 'platform_internal'
  /** Instead of the ledger's files. */
  migrations?: readonly Migration[]
}

/** Any number, the same in every process: only one of them migrates a database at a time. */
const LOCK_KEY = 7_305_126_411n

/**
 * Brings a database to the newest ledger: forward only, one transaction a file, each recorded in `polder.migrations` with its
 * checksum. Safe to call from many processes at once. Throws when an applied file has changed since, or the database is ahead of
 * this code. The client is left with the settings that it came with, and needs no transaction open.
 */
export async function migrate(client: ClientBase, options: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = options.migrations ?? (await listMigrations(options.ledger))
  await client.query('select pg_catalog.pg_advisory_lock($1)', [LOCK_KEY])
  try {
    if (options.role) await client.query(`set role ${options.role}`)
    const pending = await listPending(client, options.ledger, migrations)
    for (const migration of pending) await apply(client, migration)
    return { applied: pending.map(({ name }) => name) }
  } finally {
    if (options.role) await client.query('reset role')
    await client.query('select pg_catalog.pg_advisory_unlock($1)', [LOCK_KEY])
  }
}

async function listPending(client: ClientBase, ledger: Ledger, migrations: readonly Migration[]): Promise<Migration[]> {
  const applied = await listApplied(client)
  const byName = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum } of applied) {
    const known = byName.get(name)
    if (!known)
      throw new Error(
        `The ${ledger} database has the migration ${name}, which this version of the code does not know: it is older than the data.`,
      )
    if (known.checksum !== checksum)
      throw new Error(`The migration ${name} was changed after the ${ledger} database had applied it: undo the change and add a new file.`)
  }
  const names = new Set(applied.map(({ name }) => name))
  return migrations.filter(({ name }) => !names.has(name))
}

async function listApplied(client: ClientBase): Promise<{ name: string; checksum: string }[]> {
  const found = await client.query<{ isThere: boolean }>(`select pg_catalog.to_regclass('polder.migrations') is not null as "isThere"`)
  if (!found.rows[0]?.isThere) {
    // the schema of a project database is there already, and its maker may not make any
    const schema = await client.query(`select from pg_catalog.pg_namespace where nspname = 'polder'`)
    if (schema.rowCount === 0) await client.query('create schema polder')
    await client.query(
      'create table polder.migrations (name text primary key, checksum text not null, applied_at timestamptz not null default pg_catalog.now())',
    )
    return []
  }
  return (await client.query<{ name: string; checksum: string }>('select name, checksum from polder.migrations order by name')).rows
}

async function apply(client: ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(sql)
    await client.query('insert into polder.migrations (name, checksum) values ($1, $2)', [name, checksum])
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback').catch(() => {})
    throw new Error(`The migration ${name} failed: ${(cause as Error).message}`, { cause })
  }
}
