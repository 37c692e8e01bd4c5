import { createHmac } from 'node:crypto'
import type { ClusterWall, Observe } from '@polder/core'
import { bootstrapCluster, openEmbeddedPostgres, toClientConfig, type ServerAddress } from '@polder/db'

export interface OpenClusterOptions {
  settings: { postgresPort: number; postgresBin: string | undefined; url: string | undefined }
  /** Of the embedded server. */
  folder: string
  masterKey: Buffer
  observe: Observe
}

/** The Postgres server that the installation runs on, prepared for projects. */
export interface OpenCluster {
  kind: 'embedded' | 'external'
  address: ServerAddress
  /** As `server_version_num`. */
  version: number
  walls: ClusterWall[]
  /** `platform_ctl` on the platform database. */
  control: { host: string; port: number; user: string; password: string; database: string }
  /** The login that reads projects' changes from the WAL. */
  replication: { user: string; password: string }
  /** Ends the embedded server; leaves an external one alone. */
  stop(): Promise<void>
}

/** Password of a role of the cluster: the same at every start, and in no file. */
export function toRolePassword(masterKey: Buffer, role: string): string {
  return createHmac('sha256', masterKey).update(`role:${role}`).digest('base64url')
}

/** Starts or adopts the embedded server, or takes the external one, and prepares it where it is not. */
export async function openCluster(options: OpenClusterOptions): Promise<OpenCluster> {
  const { masterKey, settings } = options
  const controlPassword = toRolePassword(masterKey, 'platform_ctl')
  const replication = { user: 'platform_repl', password: toRolePassword(masterKey, 'platform_repl') }
  if (settings.url !== undefined) return openExternal(settings.url, controlPassword, replication)
  const superuserPassword = toRolePassword(masterKey, 'postgres')
  const embedded = await openEmbeddedPostgres({
    folder: options.folder,
    port: settings.postgresPort,
    superuserPassword,
    binaries: settings.postgresBin,
    observe: options.observe,
  })
  try {
    const superuser = { ...toClientConfig(embedded.address), user: 'postgres', password: superuserPassword, database: 'postgres' }
    const { walls, version } = await bootstrapCluster(superuser, {
      controlPassword,
      replicationPassword: replication.password,
      writesHba: true,
    })
    const { address, stop } = embedded
    return { kind: 'embedded', address, version, walls, control: toControl(address, controlPassword), replication, stop }
  } catch (error) {
    await embedded.stop().catch(() => {})
    throw error
  }
}

async function openExternal(url: string, controlPassword: string, replication: OpenCluster['replication']): Promise<OpenCluster> {
  const { hostname, port } = new URL(url)
  const address = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 5432 : Number(port) }
  const { walls, version } = await bootstrapCluster(
    { connectionString: url, connectionTimeoutMillis: 10_000 },
    { controlPassword, replicationPassword: replication.password, writesHba: false },
  )
  const control = toControl(address, controlPassword)
  return { kind: 'external', address, version, walls, control, replication, stop: async () => {} }
}

function toControl(address: ServerAddress, password: string) {
  const { host, port } = toClientConfig(address) as { host: string; port: number }
  return { host, port, user: 'platform_ctl', password, database: 'platform' }
}
