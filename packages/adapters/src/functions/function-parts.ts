import type { ProjectRef, Observe } from '@polder/core'
import { selectProjectSecrets, toDatabaseName, toLoginName, type PlatformDatabase, type SecretBox } from '@polder/db'
import type { ObjectStore } from '../object-store/index.ts'
import { createOutgoingAgents, type AddressGuard } from '../outgoing/index.ts'
import { createNpmPackages } from './bundle/npm-packages.ts'
import { createTypeChecker } from './check/type-checker.ts'
import { createRemoteModules } from './bundle/remote-modules.ts'
import type { DeployStep } from './deploy-function.ts'
import { createFunctionFiles } from './function-files.ts'
import { createFunctionLogs } from './function-logs.ts'
import { createFunctionRegistry } from './function-registry.ts'
import { createInvocationLog } from './invocation-log.ts'
import { selectFunctions } from './queries/functions.ts'
import { selectSecretValues } from './queries/secrets.ts'
import { createFunctionRuntime, type RuntimeProject } from './runtime/function-runtime.ts'
import { createProcessPool } from './runtime/process-pool.ts'

export interface FunctionsAdapterOptions {
  platform: PlatformDatabase
  box: SecretBox
  /** Tells every process that a project's functions changed, when the transaction commits. */
  announce(tx: PlatformDatabase, ref: ProjectRef): Promise<void>
  /** Whether changes by other processes are told of at the moment. */
  isListening(): boolean
  /** Where bodies of functions are kept. */
  objects: Pick<ObjectStore, 'put' | 'open' | 'list' | 'deleteAll'>
  /** Folder for packages that were fetched. */
  cacheFolder: string
  npm: { registry: string; jsrRegistry: string }
  guard: AddressGuard
  /** Base URL of the installation. */
  publicUrl: string
  baseDomain?: string | undefined
  /** Where the server listens for itself; asked when a function calls its own project. */
  ownAddress(): { host: string; port: number }
  databaseAddress(ref: string): Promise<{ host: string; port: number }>
  processes: { warm: number; max: number }
  observe: Observe
  /** For tests. */
  failPoint?: ((step: DeployStep) => void) | undefined
  isJailWanted?: boolean
}

/** Makes the parts of the adapter once. */
export function openFunctionParts(options: FunctionsAdapterOptions) {
  const { platform, box, observe } = options
  const agents = createOutgoingAgents(options.guard)
  const files = createFunctionFiles(options.objects)
  const logs = createFunctionLogs()
  const invocations = createInvocationLog({ platform, observe })
  const findInside = createInsideFinder(options)
  const pool = createProcessPool({
    ...options.processes,
    observe,
    isJailWanted: options.isJailWanted ?? true,
    egress: { agents, findInside, databaseAddress: options.databaseAddress },
  })
  const { origin } = new URL(options.publicUrl)

  async function loadAssignment({ ref }: RuntimeProject) {
    const [own, secrets] = await Promise.all([selectProjectSecrets(platform, box, ref), selectSecretValues(platform, box, ref)])
    const user = toLoginName(ref, 'owner')
    // The host is a folder: clients of Postgres find the socket in it, which leads to the project's own database and nowhere else.
    const databaseUrl = `postgresql://${user}:${encodeURIComponent(own.owner_password ?? '')}@localhost:5432/${toDatabaseName(ref)}?host=${encodeURIComponent('/run')}`
    const env = {
      ...secrets,
      SUPABASE_URL: `${options.publicUrl}/projects/${ref}`,
      SUPABASE_ANON_KEY: own.anon_key ?? '',
      SUPABASE_SERVICE_ROLE_KEY: own.service_role_key ?? '',
      SUPABASE_PUBLISHABLE_KEY: own.publishable_key ?? '',
      SUPABASE_SECRET_KEY: own.secret_key ?? '',
      SUPABASE_DB_URL: databaseUrl,
      SB_REGION: 'local',
    }
    return { env, origin }
  }

  const runtime = createFunctionRuntime({
    pool,
    loadAssignment,
    loadBundle: (ref, { id, version }) => files.readBundle(ref, id, version),
    onLine(ref, line) {
      const { level, source, message, name = null, version = null, requestId = null } = line
      logs.add(ref, { level, source, message, name, version, requestId })
      observe({
        kind: 'log',
        ref,
        level,
        service: 'functions',
        message,
        ...(requestId !== null && { requestId }),
        fields: { function: name, version, source },
      })
    },
    onOutcome({ ref, call, status, durationMs, cpuMs, memoryMb, error }) {
      const { startedAt: at, name, version, requestId, method, isColdStart } = call
      const path = call.path.slice(0, 500)
      const ended = { ref, at, name, version, requestId, method, path, isColdStart, status, durationMs, cpuMs, memoryMb, error }
      // The gateway's own line tells of every call; this one has what it cost.
      if (!invocations.add(ended)) return
      observe({
        kind: 'log',
        ref,
        level: status >= 500 ? 'error' : 'info',
        service: 'functions',
        message: error ?? `${method} ${name} answered ${status}`,
        ...{ requestId, method, path: `/${name}${path}`, status, durationMs },
        fields: { function: name, version, cpuMs, memoryMb, isColdStart },
      })
    },
  })
  return {
    platform,
    box,
    files,
    logs,
    invocations,
    pool,
    runtime,
    agents,
    announce: options.announce,
    types: createTypeChecker(),
    packages: createNpmPackages({ folder: options.cacheFolder, ...options.npm }),
    remote: createRemoteModules(agents),
    registry: createFunctionRegistry({ load: (ref) => selectFunctions(platform, ref), isListening: options.isListening }),
  }
}

/** A function's way to its own project does not lead through the internet, whatever stands in front of the installation. */
function createInsideFinder({ publicUrl, baseDomain, ownAddress }: FunctionsAdapterOptions) {
  const { origin } = new URL(publicUrl)
  return (ref: string, url: URL) => {
    const isOwnPath = url.origin === origin && url.pathname.startsWith(`/projects/${ref}/`)
    const isOwnHost = baseDomain !== undefined && url.hostname === `${ref}.${baseDomain}`
    if (!isOwnPath && !isOwnHost) return undefined
    const prefix = isOwnPath ? '' : `/projects/${ref}`
    return { ...ownAddress(), path: prefix + url.pathname + url.search }
  }
}
