import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createAuthAdapter, makeFirstPassword } from '@polder/adapters/auth'
import { createDatabaseAdapter } from '@polder/adapters/database'
import { createFunctionsAdapter } from '@polder/adapters/functions'
import { createAddressGuard, createOutgoingClient } from '@polder/adapters/outgoing'
import { openObjectStore } from '@polder/adapters/object-store'
import { createRestAdapter } from '@polder/adapters/rest'
import { createStorageAdapter } from '@polder/adapters/storage'
import type { Observe, ProjectRef } from '@polder/core'
import {
  createConnectionPoolManager,
  createPasswordRestorer,
  createProvisioner,
  createSecretBox,
  createServiceRouter,
  makeClient,
  makePool,
  migrate,
  openPlatformDatabase,
  openPlatformEvents,
  selectClusters,
  upsertCluster,
} from '@polder/db'
import { toBlockList, type Config } from './config.ts'
import type { DataFolder } from './data-folder.ts'
import { createAccounts } from './platform/accounts.ts'
import { planCreateProject } from './platform/create-project.ts'
import { planDeleteProject } from './platform/delete-project.ts'
import { createFunctionCalls } from './platform/function-calls.ts'
import { createFunctionSchedules } from './platform/function-schedules.ts'
import { followFunctions } from './platform/follow-functions.ts'
import { createInstallation } from './platform/installation.ts'
import { createLogExports } from './platform/log-exports.ts'
import { createProjectMigration } from './platform/migrate-project.ts'
import { createServiceOpener } from './platform/open-as-service.ts'
import type { OpenCluster } from './platform/open-cluster.ts'
import { createOperationRunner, type FailPoint } from './platform/operation-runner.ts'
import { migrateJobs, startOperationWorker } from './platform/operation-worker.ts'
import { createOperations } from './platform/operations.ts'
import { createOrganizations } from './platform/organizations.ts'
import { createOwnAddress } from './platform/own-address.ts'
import { createProjectTrials } from './platform/probe-project.ts'
import { openProjectLogs } from './platform/project-logs.ts'
import { createProjectSecrets } from './platform/project-secrets.ts'
import { createProjectSettings } from './platform/project-settings.ts'
import { createProjects } from './platform/projects.ts'
import { createRefill } from './platform/refill.ts'
import { createSavedLogQueries } from './platform/saved-log-queries.ts'
import { createStorageAccessKeys } from './platform/storage-access-keys.ts'
import { createStorageDownloads } from './platform/storage-downloads.ts'
import { createStorageFiles } from './platform/storage-files.ts'
import { createStorageSweep } from './platform/storage-sweep.ts'
import { createStorageUsage } from './platform/storage-usage.ts'
import { createSigningKeys } from './platform/signing-keys.ts'

export type Services = Awaited<ReturnType<typeof createServices>>

export interface ServicesOptions {
  config: Pick<Config, 'http' | 'cluster' | 'pools' | 'platform' | 'logs' | 'functions' | 'outgoing' | 'storage'>
  folder: Pick<DataFolder, 'projectFolder' | 'projects' | 'masterKey' | 'cache'>
  cluster: OpenCluster
  observe: Observe
  /** For tests of what happens when an operation is interrupted. */
  failPoint?: FailPoint
}

/** Makes each part of the server once and hands it what it needs: the only place that knows them all. */
export async function createServices(options: ServicesOptions) {
  const { config, folder, cluster } = options
  const { publicUrl } = config.http
  await migratePlatform(cluster)
  const { db: platform, pool, close: closePlatform } = openPlatformDatabase(cluster.control)
  const logs = await openProjectLogs({ platform, control: cluster.control, limits: config.logs, observe: options.observe })
  const observe: Observe = (observation) => {
    options.observe(observation)
    logs.observe(observation)
  }
  const control = makePool({ ...cluster.control, max: 8, idleTimeoutMillis: 60_000, application_name: 'polder_control' })
  const box = createSecretBox(folder.masterKey)
  const name = cluster.kind === 'embedded' ? 'local' : cluster.address.host
  const [events, provisioner, clusterId] = await Promise.all([
    openPlatformEvents({ connection: cluster.control, observe }),
    createProvisioner({ control, address: cluster.address, warmDatabases: config.cluster.warmDatabases, observe }),
    upsertCluster(platform, { name, kind: cluster.kind, serverVersion: String(cluster.version), walls: cluster.walls }),
    migrateJobs(pool, observe),
  ])
  logs.listen(events)

  const pools = createConnectionPoolManager({ ...config.pools, queueMs: config.pools.connectMs, observe })
  pools.onAuthenticationFailed(createPasswordRestorer({ platform, box, provisioner }))
  const addressOf = () => cluster.address
  const { ledger } = provisioner
  const ensureMigrated = createProjectMigration({ platform, box, ledger, addressOf })
  const { replication } = cluster
  const routing = { platform, box, pools, events, addressOf, replication, publicUrl, ledger, ensureMigrated, observe }
  const router = createServiceRouter(routing)
  const makersRouter = createServiceRouter({ ...routing, opens: ['starting', 'active'], maxProjects: 100 })

  const ownAddress = createOwnAddress(config.http)
  const guard = createAddressGuard({
    allowed: toBlockList(config.outgoing.allowed),
    ownPorts: new Set([config.http.port, cluster.address.port]),
  })
  const outgoing = createOutgoingClient({ guard })
  const auth = createAuthAdapter({ guard, outgoing, observe })
  const rest = createRestAdapter({ observe })
  pools.onEmptied((ref) => rest.release(ref as ProjectRef))
  events.subscribe((event) => event.type === 'schema_changed' && rest.forgetSchema(event.ref as ProjectRef))
  const database = createDatabaseAdapter({ onSchemaChanged: (ref) => events.publish({ type: 'schema_changed', ref }), observe })
  const { s3 } = config.storage
  const objects = await openObjectStore(s3 ? { kind: 's3', ...s3 } : { kind: 'disk', folder: folder.projects })
  const storageUsage = createStorageUsage({ platform, quotaBytes: config.storage.quotaBytes, observe })
  const storage = createStorageAdapter({ objects, usage: storageUsage.meter, observe })

  const functions = createFunctionsAdapter({
    ...config.functions,
    ...{ platform, box, guard, publicUrl, observe },
    baseDomain: config.http.baseDomain,
    announce: (tx, ref) => events.publish({ type: 'functions_changed', ref }, tx),
    isListening: () => events.isConnected,
    objects,
    cacheFolder: path.join(folder.cache, 'npm'),
    ownAddress: ownAddress.get,
    databaseAddress: async () => addressOf(),
  })
  followFunctions(events, functions)

  const openAsService = createServiceOpener({ platform, box, router })
  const storageSweep = createStorageSweep({ platform, storage, open: openAsService, observe })
  const refill = createRefill(provisioner, observe)
  const shared = {
    platform,
    box,
    events,
    provisioner,
    projectFolder: folder.projectFolder,
    unregister: router.unregisterProject.bind(router),
  }
  const plans = {
    create: planCreateProject({
      ...shared,
      ...createProjectTrials(makersRouter, { auth, rest }),
      publicUrl,
      register: router.registerProject.bind(router),
      makeFirstPassword,
      refillLater: refill.later,
    }),
    delete: planDeleteProject({ ...shared, removeLogs: logs.remove, removeFiles: storage.removeProject }),
  }
  const runner = createOperationRunner({ platform, events, plans: [plans.create, plans.delete], observe, failPoint: options.failPoint })
  const projects = createProjects({ platform, box, events, plans, publicUrl, addressOf })
  const { isSignUpOpen } = config.platform
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const stopping = new AbortController()
  const functionCalls = createFunctionCalls(ownAddress.get)
  const functionSchedules = createFunctionSchedules({ platform, calls: functionCalls, getAppKeys: projects.getAppKeys, observe })
  const worker = await startOperationWorker({
    platform,
    pool,
    connection: cluster.control,
    runner,
    observe,
    tasks: functionSchedules.tasks,
    everyMinute: ['function_schedules'],
  })
  refill.later()
  await functions.warmUp()
  let closing: Promise<void> | undefined

  return {
    config,
    platform,
    router,
    events,
    adapters: { auth, rest, storage, database, functions, logs: logs.adapter },
    functionCalls,
    functionSchedules,
    /** Told where the server listens, as soon as it does. */
    listensAt: ownAddress.set,
    accounts: createAccounts({ platform, events, publicUrl, isSignUpOpen }),
    organizations: createOrganizations({ platform, events, publicUrl }),
    installation: createInstallation({ platform, version, isSignUpOpen }),
    clusters: { list: () => selectClusters(platform), defaultId: clusterId },
    projects,
    projectSettings: createProjectSettings({ platform, events }),
    projectSecrets: createProjectSecrets({ platform, box, events }),
    signingKeys: createSigningKeys({ platform, box, events, publicUrl }),
    storageFiles: createStorageFiles({ platform, storage }),
    storageDownloads: createStorageDownloads({ platform, box, storage, open: openAsService, publicUrl }),
    storageAccessKeys: createStorageAccessKeys({ platform, box, events }),
    storageUsage,
    objects,
    storageSweep,
    operations: createOperations({ platform, events }),
    savedLogQueries: createSavedLogQueries({ platform }),
    logExports: createLogExports({ platform, box, logs: logs.adapter, publicUrl }),
    observe,
    version,
    postgresVersion: cluster.version,
    /** Ends with the request, or with the server: what streams must not keep it from stopping. */
    untilStopped: (signal?: AbortSignal): AbortSignal => (signal ? AbortSignal.any([stopping.signal, signal]) : stopping.signal),
    /** Tells streams to end; then the server can close. */
    beginStop: () => stopping.abort(),
    close(): Promise<void> {
      closing ??= close()
      return closing
    },
  }

  async function close(): Promise<void> {
    stopping.abort()
    await worker.stop()
    await refill.stop()
    await storageSweep.stop()
    await storageUsage.flush()
    await functions.close()
    await auth.settle()
    await outgoing[Symbol.asyncDispose]()
    router.close()
    makersRouter.close()
    await pools.end()
    await logs.close()
    await events.close()
    await control.end()
    await closePlatform()
  }
}

/** Brings the platform database to this code's ledger before anything looks into it. */
async function migratePlatform(cluster: OpenCluster): Promise<void> {
  const client = makeClient({ ...cluster.control, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
    await migrate(client, { ledger: 'platform' })
  } finally {
    await client.end().catch(() => {})
  }
}
