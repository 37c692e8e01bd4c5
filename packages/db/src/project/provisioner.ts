import type { Observe } from '@polder/core'
import { DatabaseError, escapeIdentifier, type Pool } from 'pg'
import { readClusterSql } from '../cluster/cluster-sql.ts'
import { CHOSEN_PASSWORD_ITERATIONS, RANDOM_PASSWORD_ITERATIONS, toScramVerifier } from '../cluster/scram.ts'
import type { ServerAddress } from '../cluster/server-address.ts'
import { toTemplateName } from '../cluster/template.ts'
import { makeClient, toSessionConfig } from '../connect.ts'
import { listMigrations, toLedgerChecksum } from '../migration-files.ts'
import { requireProjectRef, toDatabaseName, toLoginName, type ProjectLogin } from './project-names.ts'
import { DEFAULT_PRIVILEGES_SQL, toOpenSql } from './provisioner-sql.ts'
import { createWarmPool } from './warm-pool.ts'

/** Passwords of a project's four logins, in clear; the server gets verifiers only. */
export type ProjectPasswords = Record<ProjectLogin, string>

export interface ProvisionerOptions {
  /** Of `platform_ctl`, on the platform database. */
  control: Pool
  address: ServerAddress
  /** How many prepared databases wait for new projects. */
  warmDatabases: number
  observe: Observe
}

/**
 * Makes and removes the databases and roles of projects on one cluster, as `platform_ctl`, which never enters a project's
 * database, and has the roles made by the functions of migrations/cluster/provisioning.sql. Every method can be repeated, and continues what an interrupted call of it left.
 */
export interface Provisioner {
  /** Checksum of the project migrations in this code: what `projects.ledger` is set to. */
  readonly ledger: string
  createRoles(ref: string, passwords: ProjectPasswords): Promise<void>
  /** A warm copy renamed, or a fresh copy of the template; nobody can connect to it yet. */
  createDatabase(ref: string): Promise<{ isFromWarmPool: boolean }>
  /** Lets the project's logins in, and sets the default privileges as the owner. */
  openDatabase(ref: string, passwords: Pick<ProjectPasswords, 'owner'>): Promise<void>
  /** The first half of `openDatabase`: who may connect, and that anybody may. */
  allowConnections(ref: string): Promise<void>
  /** The second half: default privileges, set in the database by its owner. */
  setDefaultPrivileges(ref: string, passwords: Pick<ProjectPasswords, 'owner'>): Promise<void>
  /** Ends all sessions and lets nobody in any more. */
  closeDatabase(ref: string): Promise<void>
  dropDatabase(ref: string): Promise<void>
  /** A role that another project's grants still name is made powerless instead, and dropped when they are gone. */
  dropRoles(ref: string): Promise<void>
  setPassword(ref: string, login: ProjectLogin, password: string): Promise<void>
  /** Fills the pool of prepared databases, and clears what earlier drops had to leave. */
  refillWarmPool(): Promise<void>
  /** Size on disk of the projects' databases; one that is not there is left out. */
  databaseBytes(refs: readonly string[]): Promise<Map<string, number>>
}

/** Reads the migrations once, so that what it makes stays the same for its lifetime. */
export async function createProvisioner(options: ProvisionerOptions): Promise<Provisioner> {
  const { control } = options
  const ledger = toLedgerChecksum(await listMigrations('project'))
  const template = toTemplateName((await readClusterSql()).templateChecksum, ledger)
  const warmPool = createWarmPool(control, template, options.warmDatabases)

  async function setPassword(ref: string, login: ProjectLogin, password: string): Promise<void> {
    await control.query('select provisioning.set_project_password($1, $2, $3)', [
      requireProjectRef(ref),
      login,
      await toVerifier(login, password),
    ])
  }

  return {
    ledger,
    setPassword,
    createRoles: (ref, passwords) => createRoles(control, ref, passwords),
    createDatabase: (ref) => createDatabase(ref),
    allowConnections,
    setDefaultPrivileges: setPrivileges,
    openDatabase: async (ref, passwords) => {
      await allowConnections(ref)
      await setPrivileges(ref, passwords)
    },
    closeDatabase: (ref) => closeDatabase(control, toDatabaseName(ref)),
    dropDatabase: (ref) => dropDatabase(control, toDatabaseName(ref)),
    dropRoles: async (ref) => {
      await control.query('select provisioning.drop_project_roles($1)', [requireProjectRef(ref)])
    },
    databaseBytes: (refs) => readDatabaseBytes(control, refs),
    refillWarmPool: async () => {
      await warmPool.refill()
      await control.query('select provisioning.drop_tombstones()')
    },
  }

  async function createDatabase(ref: string): Promise<{ isFromWarmPool: boolean }> {
    const name = toDatabaseName(ref)
    const found = await control.query<{ datconnlimit: number }>('select datconnlimit from pg_database where datname = $1', [name])
    // an interrupted drop leaves a database that is good for nothing but being dropped
    if (found.rows[0]?.datconnlimit === -2) await dropDatabase(control, name)
    else if (found.rowCount !== 0) return { isFromWarmPool: false }
    try {
      if (await warmPool.take(name)) return { isFromWarmPool: true }
      await control.query(
        `create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)} strategy wal_log allow_connections false`,
      )
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === '42P04')) throw error
    }
    return { isFromWarmPool: false }
  }

  async function allowConnections(ref: string): Promise<void> {
    await control.query(toOpenSql(ref))
  }

  async function setPrivileges(ref: string, passwords: Pick<ProjectPasswords, 'owner'>): Promise<void> {
    try {
      await setDefaultPrivileges(options.address, ref, passwords.owner)
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === '28P01')) throw error
      // the owner may have changed its own password
      await setPassword(ref, 'owner', passwords.owner)
      await setDefaultPrivileges(options.address, ref, passwords.owner)
    }
  }
}

function toVerifier(login: ProjectLogin, password: string): Promise<string> {
  return toScramVerifier(password, login === 'owner' ? CHOSEN_PASSWORD_ITERATIONS : RANDOM_PASSWORD_ITERATIONS)
}

async function createRoles(control: Pool, ref: string, passwords: ProjectPasswords): Promise<void> {
  const verifiers = await Promise.all([
    toVerifier('owner', passwords.owner),
    toVerifier('authenticator', passwords.authenticator),
    toVerifier('platform', passwords.platform),
    toVerifier('backup', passwords.backup),
  ])
  await control.query('select provisioning.create_project_roles($1, $2, $3, $4, $5)', [requireProjectRef(ref), ...verifiers])
}

async function setDefaultPrivileges(address: ServerAddress, ref: string, password: string): Promise<void> {
  const login = { address, database: toDatabaseName(ref), user: toLoginName(ref, 'owner'), password }
  const client = makeClient({ ...toSessionConfig(login, 'owner', { statementTimeoutMs: 10_000 }), connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    await client.query(DEFAULT_PRIVILEGES_SQL)
  } finally {
    await client.end()
  }
}

async function closeDatabase(control: Pool, name: string): Promise<void> {
  const { rowCount } = await control.query('select from pg_database where datname = $1 and datconnlimit <> -2', [name])
  if (rowCount === 0) return
  await control.query(`alter database ${escapeIdentifier(name)} with allow_connections false`)
  await control.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
}

async function dropDatabase(control: Pool, name: string): Promise<void> {
  await closeDatabase(control, name)
  for (let attempt = 1; ; attempt += 1) {
    try {
      await control.query(`drop database if exists ${escapeIdentifier(name)} with (force)`)
      return
    } catch (error) {
      // a session that was just ending, or a kill in the middle: the same statement finishes it
      if (!(error instanceof DatabaseError && error.code === '55006') || attempt === 5) throw error
    }
  }
}

async function readDatabaseBytes(control: Pool, refs: readonly string[]): Promise<Map<string, number>> {
  const byName = new Map(refs.map((ref) => [toDatabaseName(ref), ref]))
  const { rows } = await control.query<{ name: string; bytes: string }>(
    'select datname::text as name, pg_database_size(oid) as bytes from pg_database where datname = any ($1)',
    [[...byName.keys()]],
  )
  return new Map(rows.map(({ name, bytes }) => [byName.get(name) ?? name, Number(bytes)]))
}
