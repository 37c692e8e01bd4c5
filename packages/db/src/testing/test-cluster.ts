import { randomBytes, randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { Client, Pool, type ClientConfig, type QueryResult } from 'pg'
import { inject } from 'vitest'
import { toClientConfig, type ServerAddress } from '../cluster/server-address.ts'
import type { PlatformDatabase } from '../platform/platform-database.ts'
import { toDatabaseName, toLoginName, type ProjectLogin } from '../project/project-names.ts'
import { createProvisioner, type ProjectPasswords, type Provisioner } from '../project/provisioner.ts'
import { PLATFORM_TEMPLATE } from './global-setup.ts'

/** A platform of its own for one test file, on the run's shared Postgres; everything it made is dropped on dispose. */
export interface TestCluster extends AsyncDisposable {
  /** Migrated and empty, but for one organization and one cluster. */
  platform: PlatformDatabase
  control: Pool
  provisioner: Provisioner
  address: ServerAddress
  /** Connection of `platform_ctl` to this test's platform database. */
  platformConnection: ClientConfig
  superuserConnection: ClientConfig
  organizationId: string
  clusterId: string
  createProject(options?: { ref?: string; name?: string }): Promise<TestProject>
}

/** A real project: roles, database, rows. */
export interface TestProject {
  ref: string
  passwords: ProjectPasswords
  /** A connection as one of its logins, closed on dispose of the cluster at the latest. */
  connect(login: ProjectLogin, database?: string): Promise<Client>
  /** Runs SQL as the project's owner, on a connection of its own. */
  runAsOwner(sql: string): Promise<QueryResult>
}

/** Attaches to the Postgres of the test run: `await using cluster = await openTestCluster()`. */
export async function openTestCluster(options: { warmDatabases?: number } = {}): Promise<TestCluster> {
  const { address, superuserPassword, controlPassword } = inject('cluster')
  const id = randomBytes(6).toString('hex')
  const control = { ...toClientConfig(address), user: 'platform_ctl', password: controlPassword }
  const platformConnection = { ...control, database: `platform_${id}` }
  await runOnce({ ...control, database: 'platform' }, `create database platform_${id} template ${PLATFORM_TEMPLATE}`)

  const pool = makeTestPool(platformConnection)
  const platform = new Kysely<never>({
    dialect: new PostgresDialect({ pool: makeTestPool(platformConnection) }),
  }) as unknown as PlatformDatabase
  const provisioner = await createProvisioner({ control: pool, address, warmDatabases: options.warmDatabases ?? 0, observe: () => {} })
  const { organizationId, clusterId } = await insertGround(platform)
  const projects: TestProject[] = []
  const clients = new Set<Client>()

  return {
    platform,
    control: pool,
    provisioner,
    address,
    platformConnection,
    superuserConnection: { ...toClientConfig(address), user: 'postgres', password: superuserPassword, database: 'postgres' },
    organizationId,
    clusterId,
    createProject: async (wanted = {}) => {
      const project = await createTestProject(wanted)
      projects.push(project)
      return project
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...clients].map((client) => client.end().catch(() => {})))
      for (const { ref } of projects) {
        await provisioner.dropDatabase(ref)
        await provisioner.dropRoles(ref)
      }
      await platform.destroy()
      await pool.end()
      await runOnce({ ...control, database: 'platform' }, `drop database platform_${id} with (force)`)
    },
  }

  async function createTestProject(wanted: { ref?: string; name?: string }): Promise<TestProject> {
    const ref = wanted.ref ?? makeRef()
    const passwords = { owner: makePassword(), authenticator: makePassword(), platform: makePassword(), backup: makePassword() }
    await Promise.all([provisioner.createRoles(ref, passwords), provisioner.createDatabase(ref)])
    await provisioner.openDatabase(ref, passwords)
    await platform
      .insertInto('projects')
      .values({
        ref,
        organization_id: organizationId,
        cluster_id: clusterId,
        name: wanted.name ?? `Project ${ref}`,
        status: 'active',
        database_name: toDatabaseName(ref),
        ledger: provisioner.ledger,
      })
      .execute()

    const connect = async (login: ProjectLogin, database = toDatabaseName(ref)) => {
      const client = new Client({ ...toClientConfig(address), user: toLoginName(ref, login), password: passwords[login], database })
      client.on('error', () => {})
      await client.connect()
      clients.add(client)
      return client
    }
    return {
      ref,
      passwords,
      connect,
      runAsOwner: async (sql) => {
        const client = await connect('owner')
        try {
          return await client.query(sql)
        } finally {
          clients.delete(client)
          await client.end()
        }
      },
    }
  }
}

async function insertGround(platform: PlatformDatabase): Promise<{ organizationId: string; clusterId: string }> {
  const [organizationId, clusterId] = [randomUUID(), randomUUID()]
  await platform.insertInto('organizations').values({ id: organizationId, name: 'Test organization' }).execute()
  await platform
    .insertInto('clusters')
    .values({ id: clusterId, name: 'test', kind: 'embedded', admin_url: null, server_version: null, walls: '[]' })
    .execute()
  return { organizationId, clusterId }
}

function makeTestPool(connection: ClientConfig): Pool {
  const pool = new Pool({ ...connection, max: 6 })
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function runOnce(connection: ClientConfig, sql: string): Promise<void> {
  const client = new Client(connection)
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function makeRef(): string {
  return Array.from(randomBytes(20), (byte) => String.fromCharCode(97 + (byte % 26))).join('')
}

function makePassword(): string {
  return randomBytes(32).toString('base64url')
}
