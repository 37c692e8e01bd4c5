import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import type { TestProject } from 'vitest/node'
import { bootstrapCluster } from '../cluster/bootstrap.ts'
import { openEmbeddedPostgres } from '../cluster/embedded-postgres.ts'
import { installProvisioning } from '../cluster/provisioning.ts'
import { findRunningPostmaster, isAlive, stopPostmaster } from '../cluster/postmaster.ts'
import { toClientConfig, type ServerAddress } from '../cluster/server-address.ts'
import { makeClient } from '../connect.ts'
import { migrate } from '../migrate.ts'

/** What a test needs to attach to the run's one cluster. */
export interface ProvidedCluster {
  address: ServerAddress
  superuserPassword: string
  controlPassword: string
  replicationPassword: string
  version: number
}

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ProvidedCluster
  }
}

/** Database that every test's platform database is a copy of. */
export const PLATFORM_TEMPLATE = 'platform_template'

/** With the process's id behind it, so that a later run knows what nobody uses any more. */
const FOLDER_PREFIX = 'polder-test-'

/** One Postgres for the whole run, in a folder of its own, and gone with it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers()
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`))
  const makePassword = () => randomBytes(32).toString('base64url')
  const [superuserPassword, controlPassword, replicationPassword] = [makePassword(), makePassword(), makePassword()]
  const server = await openEmbeddedPostgres({
    folder,
    port: 20_000 + Math.floor(Math.random() * 20_000),
    superuserPassword,
    // nothing of a test's data is worth a disk's time
    settings: {
      fsync: false,
      synchronous_commit: false,
      full_page_writes: false,
      max_connections: 300,
      shared_buffers: '64MB',
      autovacuum_naptime: '1h',
    },
    observe: () => {},
  })
  const superuser = { ...toClientConfig(server.address), user: 'postgres', password: superuserPassword, database: 'postgres' }
  await bootstrapCluster(superuser, { controlPassword, replicationPassword, writesHba: true })
  await makePlatformTemplate(server.address, controlPassword)
  await installProvisioning({ ...superuser, database: PLATFORM_TEMPLATE })
  project.provide('cluster', { address: server.address, superuserPassword, controlPassword, replicationPassword, version: server.version })
  return async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function makePlatformTemplate(address: ServerAddress, password: string): Promise<void> {
  const connection = { ...toClientConfig(address), user: 'platform_ctl', password }
  await using control = await connect({ ...connection, database: 'platform' })
  await control.client.query(`create database ${PLATFORM_TEMPLATE}`)
  await using template = await connect({ ...connection, database: PLATFORM_TEMPLATE })
  await migrate(template.client, { ledger: 'platform' })
}

async function connect(config: object): Promise<AsyncDisposable & { client: Client }> {
  const client = makeClient(config)
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}

/** Clusters of runs that were killed before they could clean up. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${FOLDER_PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    const folder = join(tmpdir(), name)
    for (const data of [join(folder, 'data'), join(folder, 'postgres', 'data')]) {
      const running = findRunningPostmaster(data)
      if (running) await stopPostmaster(data, running.pid, 1_000).catch(() => {})
    }
    await rm(folder, { recursive: true, force: true }).catch(() => {})
  }
}
