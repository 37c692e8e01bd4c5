import type { BlockList } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observe } from '@polder/core'
import { toVersionWarning } from '@polder/db'
import { isLoopbackHost } from './access/session-cookie.ts'
import type { Config } from './config.ts'
import type { Dashboard } from './dashboard.ts'
import { toListenError, type DataFolder } from './data-folder.ts'
import { createHttpServer } from './http-server.ts'
import { openCluster } from './platform/open-cluster.ts'
import { createServices, type ServicesOptions } from './services.ts'

export interface StartServerOptions extends Pick<ServicesOptions, 'failPoint'> {
  config: Config
  folder: DataFolder
  observe: Observe
  openDashboard(): Promise<Dashboard | undefined>
  trustedProxies: BlockList
}

export interface RunningServer {
  /** What the person who started it should know, one line each. */
  warnings: string[]
  /** Answers what was asked already, for as long as the grace lasts, then ends everything and frees the folder. */
  stop(graceMs: number): Promise<void>
}

/** Starts Postgres, the services and the door, in this order; what was started is ended again when a later part fails. */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { config, folder, observe } = options
  await using started = new AsyncDisposableStack()
  started.defer(() => folder.release())
  // The dashboard is loaded while Postgres starts.
  const [cluster, dashboard] = await Promise.all([
    openCluster({ settings: config.cluster, folder: folder.postgres, masterKey: folder.masterKey, observe }),
    options.openDashboard(),
  ])
  started.defer(() => cluster.stop())
  const services = await createServices({ config, folder, cluster, observe, failPoint: options.failPoint })
  started.defer(() => services.close())
  const trustedProxies = config.http.trustedProxies.length > 0 ? options.trustedProxies : null
  const app = await createHttpServer({ services, dashboard, trustedProxies })
  await app.listen({ host: config.http.host, port: config.http.port, backlog: 1024 }).catch((cause: NodeJS.ErrnoException) => {
    throw toListenError(config.http.host, config.http.port, cause)
  })
  observe({ kind: 'server', event: 'listening', message: `${config.http.host}:${config.http.port}` })
  const parts = started.move()
  return {
    warnings: listWarnings(config, cluster.version),
    async stop(graceMs) {
      observe({ kind: 'server', event: 'stopping', message: 'finishing what runs' })
      services.beginStop()
      await Promise.race([app.close(), sleep(graceMs, undefined, { ref: false })])
      app.server.closeAllConnections()
      await parts.disposeAsync()
    },
  }
}

function listWarnings(config: Config, postgresVersion: number): string[] {
  const version = toVersionWarning(postgresVersion)
  const { protocol, hostname } = new URL(config.http.publicUrl)
  const isPlain = protocol === 'http:' && !isLoopbackHost(hostname)
  return [
    ...(version === null ? [] : [version]),
    ...(isPlain
      ? [`${config.http.publicUrl} is plain http: passwords and sessions travel in the clear. Put a proxy with https in front.`]
      : []),
  ]
}
