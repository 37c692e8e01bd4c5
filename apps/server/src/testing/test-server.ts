import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { MemberRole, Observation, Operation } from '@polder/core'
import { insertAccount, insertMember, selectOperationsOfProject, toDatabaseName } from '@polder/db'
import { openTestCluster, type TestCluster } from '@polder/db/testing'
import type { SignedIn } from '../access/studio-session.ts'
import { loadConfig } from '../config.ts'
import { toActor, type Actor } from '../platform/actor.ts'
import type { OpenCluster } from '../platform/open-cluster.ts'
import type { FailPoint } from '../platform/operation-runner.ts'
import { createServices, type Services } from '../services.ts'

/** Somebody to act as in tests. */
export interface TestAccount {
  account: SignedIn
  actor: Actor
}

/** A platform for server tests: its database, its folder, and as many processes' worth of services as a test wants. */
export interface TestServer extends AsyncDisposable {
  cluster: TestCluster
  folder: string
  masterKey: Buffer
  open: OpenCluster
  observed: Observation[]
  /** The services of one server process, worker and all. */
  start(options?: { failPoint?: FailPoint; environment?: Record<string, string> }): Promise<Services>
  createAccount(role?: MemberRole, organizationId?: string): Promise<TestAccount>
  /** What there is of a project outside of its rows. */
  listTraces(ref: string): Promise<string[]>
}

/** Opens one on the run's shared Postgres; whatever was made on it is dropped on dispose. */
export async function openTestServer(): Promise<TestServer> {
  const cluster = await openTestCluster()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'polder-server-'))
  const masterKey = randomBytes(32)
  const observed: Observation[] = []
  const started: Services[] = []
  const open: OpenCluster = {
    kind: 'embedded',
    address: cluster.address,
    version: 180_004,
    walls: [],
    control: cluster.platformConnection as OpenCluster['control'],
    replication: cluster.replication,
    stop: async () => {},
  }

  async function listTraces(ref: string): Promise<string[]> {
    const { rows } = await cluster.control.query<{ trace: string }>(
      `select 'database ' || datname as trace from pg_database where datname = $1
       union all select 'role ' || rolname from pg_roles where rolname ~ ('^' || $1 || '(_|$)')`,
      [toDatabaseName(ref)],
    )
    const folders = await readdir(path.join(folder, 'projects')).catch(() => [])
    return [...rows.map(({ trace }) => trace), ...folders.filter((name) => name === ref).map((name) => `folder ${name}`)]
  }

  return {
    cluster,
    folder,
    masterKey,
    open,
    observed,
    listTraces,
    async start({ failPoint, environment = {} } = {}) {
      const services = await createServices({
        config: loadConfig({ POLDER_WARM_DATABASES: '0', ...environment }),
        folder: {
          masterKey,
          projects: path.join(folder, 'projects'),
          projectFolder: (ref) => path.join(folder, 'projects', ref),
          cache: path.join(folder, 'cache'),
        },
        cluster: open,
        observe: (observation) => observed.push(observation),
        failPoint,
      })
      started.push(services)
      return services
    },
    async createAccount(role = 'owner', organizationId = cluster.organizationId) {
      const email = `${randomBytes(6).toString('hex')}@test.local`
      const made = await insertAccount(cluster.platform, { email, name: '', passwordHash: 'none', isAdministrator: false })
      await insertMember(cluster.platform, organizationId, made!.id, role)
      const account: SignedIn = { accountId: made!.id, email, name: '', isAdministrator: false, sessionId: null, token: null }
      return { account, actor: toActor(account, { id: 'test', ip: '127.0.0.1', userAgent: null, origin: null }) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((services) => services.close()))
      const { rows } = await cluster.platform
        .selectFrom('operations')
        .select('ref')
        .distinct()
        .execute()
        .then((rows) => ({ rows }))
      for (const { ref } of rows) {
        await cluster.provisioner.dropDatabase(ref)
        await cluster.provisioner.dropRoles(ref)
      }
      await cluster[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Waits for the project's newest operation to end; throws when that takes longer. */
export async function untilEnded(server: Pick<TestServer, 'cluster'>, ref: string, withinMs = 20_000): Promise<Operation> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const [operation] = await selectOperationsOfProject(server.cluster.platform, ref, 1)
    if (operation && (operation.status === 'succeeded' || operation.status === 'failed')) return operation
    if (Date.now() > deadline) throw new Error(`after ${withinMs} ms: ${JSON.stringify(operation)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
