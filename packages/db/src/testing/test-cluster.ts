import { randomBytes, randomUUID } from 'node:crypto'
import type { DatabaseRole, MemberRole, Permission, ProjectClaims, ProjectRef } from '@polder/core'
import type { Client, ClientConfig, Pool, QueryResult } from 'pg'
import { inject } from 'vitest'
import { toClientConfig, type ServerAddress } from '../cluster/server-address.ts'
import { makeClient, makePool } from '../connect.ts'
import { openLogDatabase, toLogDatabaseName, type OpenLogDatabase } from '../logs/open-log-database.ts'
import { openPlatformDatabase } from '../platform/open-platform-database.ts'
import type { PlatformDatabase } from '../platform/platform-database.ts'
import { openPlatformEvents, type PlatformEvents } from '../platform/platform-events.ts'
import { upsertProjectSecrets } from '../platform/project-secrets.ts'
import { createSecretBox, type SecretBox } from '../platform/secret-box.ts'
import { insertFirstSigningKey } from '../platform/signing-keys.ts'
import { createConnectionPoolManager, type ConnectionPoolManager } from '../pool-manager.ts'
import { toIssuer } from '../project/open-project.ts'
import { makeProjectKeys, makeSecretText, type ProjectKeys } from '../project/project-keys.ts'
import type { ProjectScope } from '../project/project-scope.ts'
import { createSecretSigningKeys } from '../project/project-signing-keys.ts'
import { createProjectTokens } from '../project/project-tokens.ts'
import { createServiceRouter, type ProjectRouter } from '../service-router.ts'
import { toDatabaseName, toLoginName, type ProjectLogin } from '../project/project-names.ts'
import { createProvisioner, type ProjectPasswords, type Provisioner } from '../project/provisioner.ts'
import { PLATFORM_TEMPLATE } from './global-setup.ts'

export { forgeTokens, type ForgedToken, type ForgeryTarget } from './forged-tokens.ts'

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
  replication: { user: string; password: string }
  organizationId: string
  clusterId: string
  router: ProjectRouter
  pools: ConnectionPoolManager
  events: PlatformEvents
  box: SecretBox
  /** Base URL that the router was told. */
  publicUrl: string
  createProject(options?: { ref?: string; name?: string }): Promise<TestProject>
  /** The log database beside the platform's, made with the first call. */
  openLogs(): Promise<OpenLogDatabase>
}

/** A real project: roles, database, rows. */
export interface TestProject {
  ref: ProjectRef
  passwords: ProjectPasswords
  jwtSecret: string
  keys: ProjectKeys
  /** Opens the project through the router as an app: with the role's key, or with a user's token where claims are given. */
  scope(role?: DatabaseRole, claims?: Partial<ProjectClaims>): Promise<ProjectScope>
  /** Opens the project through the router as a new member of its organization. */
  member(permission?: Permission, role?: MemberRole): Promise<ProjectScope>
  /** A connection as one of its logins, closed on dispose of the cluster at the latest. */
  connect(login: ProjectLogin, database?: string): Promise<Client>
  /** Runs SQL as the project's owner, on a connection of its own. */
  runAsOwner(sql: string): Promise<QueryResult>
}

/** Attaches to the Postgres of the test run: `await using cluster = await openTestCluster()`. */
export async function openTestCluster(options: { warmDatabases?: number } = {}): Promise<TestCluster> {
  const { address, superuserPassword, controlPassword, replicationPassword } = inject('cluster')
  const id = randomBytes(6).toString('hex')
  const control = { ...toClientConfig(address), user: 'platform_ctl', password: controlPassword }
  const platformConnection = { ...control, database: `platform_${id}` }
  await runOnce({ ...control, database: 'platform' }, `create database platform_${id} template ${PLATFORM_TEMPLATE}`)

  const pool = makePool({ ...platformConnection, max: 6 })
  const opened = openPlatformDatabase({ ...platformConnection, max: 6 })
  const platform = opened.db
  const provisioner = await createProvisioner({ control: pool, address, warmDatabases: options.warmDatabases ?? 0, observe: () => {} })
  const { organizationId, clusterId } = await insertGround(platform)
  const box = createSecretBox(randomBytes(32))
  const pools = createConnectionPoolManager({ observe: () => {} })
  const events = await openPlatformEvents({ connection: platformConnection, observe: () => {} })
  const publicUrl = 'http://localhost:8000'
  const replication = { user: 'platform_repl', password: replicationPassword }
  const router = createServiceRouter({
    platform,
    box,
    pools,
    events,
    addressOf: () => address,
    replication,
    publicUrl,
    ledger: provisioner.ledger,
    ensureMigrated: async () => {},
    observe: () => {},
  })
  const projects: TestProject[] = []
  const clients = new Set<Client>()
  let logs: Promise<OpenLogDatabase> | undefined

  return {
    platform,
    control: pool,
    provisioner,
    address,
    platformConnection,
    superuserConnection: { ...toClientConfig(address), user: 'postgres', password: superuserPassword, database: 'postgres' },
    replication,
    organizationId,
    clusterId,
    router,
    pools,
    events,
    box,
    publicUrl,
    createProject: async (wanted = {}) => {
      const project = await createTestProject(wanted)
      projects.push(project)
      return project
    },
    openLogs: () => (logs ??= openLogDatabase(platformConnection)),
    [Symbol.asyncDispose]: async () => {
      router.close()
      await Promise.all([pools.end(), events.close(), ...[...clients].map((client) => client.end().catch(() => {}))])
      for (const { ref } of projects) {
        await provisioner.dropDatabase(ref)
        await provisioner.dropRoles(ref)
      }
      await opened.close()
      await pool.end()
      await (await logs)?.close()
      await runOnce({ ...control, database: 'platform' }, `drop database if exists ${toLogDatabaseName(`platform_${id}`)} with (force)`)
      await runOnce({ ...control, database: 'platform' }, `drop database platform_${id} with (force)`)
    },
  }

  async function createTestProject(wanted: { ref?: string; name?: string }): Promise<TestProject> {
    const ref = (wanted.ref ?? makeRef()) as ProjectRef
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
    const jwtSecret = makeSecretText()
    const issuer = toIssuer(`${publicUrl}/projects/${ref}`)
    const keys = makeProjectKeys({ ref, issuer, jwtSecret })
    await upsertProjectSecrets(platform, box, ref, {
      jwt_secret: jwtSecret,
      anon_key: keys.anonKey,
      service_role_key: keys.serviceRoleKey,
      publishable_key: keys.publishableKey,
      secret_key: keys.secretKey,
      owner_password: passwords.owner,
      authenticator_password: passwords.authenticator,
      platform_password: passwords.platform,
      backup_password: passwords.backup,
    })
    await insertFirstSigningKey(platform, ref)
    const tokens = createProjectTokens({ ref, issuer, keys: createSecretSigningKeys(jwtSecret) })

    const connect = async (login: ProjectLogin, database = toDatabaseName(ref)) => {
      const client = makeClient({ ...toClientConfig(address), user: toLoginName(ref, login), password: passwords[login], database })
      await client.connect()
      clients.add(client)
      return client
    }
    return {
      ref,
      passwords,
      connect,
      jwtSecret,
      keys,
      scope: async (role = 'anon', claims) => {
        const apiKey = role === 'service_role' ? keys.serviceRoleKey : keys.anonKey
        const isUser = claims !== undefined || role === 'authenticated'
        const exp = Math.floor(Date.now() / 1000) + 3600
        const authorization = isUser ? `Bearer ${tokens.sign({ iss: issuer, sub: randomUUID(), exp, ...claims, role })}` : undefined
        return await router.getConnection(await router.validateProjectAccess(ref, { kind: 'app', apiKey, authorization }))
      },
      member: async (permission = 'project.read', role = 'owner') => {
        const accountId = randomUUID()
        await platform
          .insertInto('accounts')
          .values({ id: accountId, email: `${accountId}@example.com`, password_hash: '', disabled_at: null })
          .execute()
        await platform.insertInto('members').values({ organization_id: organizationId, account_id: accountId, role }).execute()
        return await router.getConnection(await router.validateProjectAccess(ref, { kind: 'member', accountId, permission }))
      },
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

async function runOnce(connection: ClientConfig, sql: string): Promise<void> {
  const client = makeClient(connection)
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
