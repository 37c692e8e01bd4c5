import {
  isProjectRef,
  isReading,
  mayDo,
  ServiceError,
  type AccessRequest,
  type AppCaller,
  type Caller,
  type Observe,
  type ProjectAccess,
  type ProjectRef,
  type ProjectStatus,
  type ServiceRouter,
} from '@polder/core'
import type { ServerAddress } from './cluster/server-address.ts'
import type { PlatformDatabase } from './platform/platform-database.ts'
import type { PlatformEvent, PlatformEvents } from './platform/platform-events.ts'
import { findProjectMembership } from './platform/project-configurations.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { ConnectionPoolManager, PoolStatistics } from './pool-manager.ts'
import { createProjectCache, type CachedProject, type ProjectCache } from './project-cache.ts'
import type { OpenProject } from './project/open-project.ts'
import type { ProjectScope } from './project/project-scope.ts'

export interface ServiceRouterOptions {
  platform: PlatformDatabase
  box: SecretBox
  pools: ConnectionPoolManager
  events: PlatformEvents
  /** Where a cluster's server listens. */
  addressOf(clusterId: string): ServerAddress | Promise<ServerAddress>
  /** The login that reads a project's changes from the WAL; without one a project's `openReplication` is refused. */
  replication?: { user: string; password: string }
  /** Base URL of the installation, without a trailing slash. */
  publicUrl: string
  /** Checksum of the project migrations in this code; a project with another one is migrated before it is served. */
  ledger: string
  /** Brings a project's database to this code's ledger, and writes that to the project's row. */
  ensureMigrated(ref: ProjectRef): Promise<void>
  observe: Observe
  /** How many projects are kept open; each is some kilobytes. */
  maxProjects?: number
  /** Statuses in which a project can be opened; `active` alone, but for the router of whoever is making projects. */
  opens?: readonly ProjectStatus[]
}

/** What the router knows of itself. */
export interface RouterStatistics {
  cachedProjects: number
  pools: Map<string, PoolStatistics>
}

/** The router of a server process. */
export interface ProjectRouter extends ServiceRouter<ProjectScope> {
  statistics(): RouterStatistics
  /** Stops listening to events; connections are the pool manager's to close. */
  close(): void
}

/**
 * Makes the one door to projects. A member's access is proven for any status, so that a failed or paused project can be
 * looked at and deleted; `getConnection` then throws `project.not_active` where there is no database to open.
 */
export function createServiceRouter(options: ServiceRouterOptions): ProjectRouter {
  return new Router(options)
}

class Router implements ProjectRouter {
  readonly #platform: PlatformDatabase
  readonly #pools: ConnectionPoolManager
  readonly #events: PlatformEvents
  readonly #cache: ProjectCache
  readonly #unsubscribe: () => void

  constructor(options: ServiceRouterOptions) {
    this.#platform = options.platform
    this.#pools = options.pools
    this.#events = options.events
    this.#cache = createProjectCache(options)
    this.#unsubscribe = options.events.subscribe((event) => this.#hear(event))
  }

  async validateProjectAccess(ref: string, request: AccessRequest): Promise<ProjectAccess> {
    if (!isProjectRef(ref)) throw new ServiceError('project.not_found')
    if (request.kind === 'member') return await this.#validateMember(ref, request)
    const cached = this.#cache.find(ref)
    const project = requireActive(cached instanceof Promise ? await cached : cached)
    if (request.kind === 'signed') return CheckedAccess.ofApp(project, project.signers.require(request))
    const caller = project.callers.require(request.apiKey, request.authorization, request.door)
    return CheckedAccess.ofApp(project, caller)
  }

  async getConnection(access: ProjectAccess): Promise<ProjectScope> {
    const known = CheckedAccess.findScope(access)
    if (known !== undefined) return known
    return CheckedAccess.open(access, requireActive(await this.#cache.find(access.ref)))
  }

  async registerProject(ref: ProjectRef): Promise<void> {
    await this.#events.publish({ type: 'project_changed', ref })
  }

  async unregisterProject(ref: ProjectRef): Promise<void> {
    await this.#events.publish({ type: 'project_removed', ref })
    await this.#pools.closeProject(ref)
  }

  statistics(): RouterStatistics {
    return { cachedProjects: this.#cache.size, pools: this.#pools.statistics() }
  }

  close(): void {
    this.#unsubscribe()
  }

  async #validateMember(ref: ProjectRef, request: Extract<AccessRequest, { kind: 'member' }>): Promise<ProjectAccess> {
    const { accountId, permission, token } = request
    const membership = await findProjectMembership(this.#platform, ref, accountId)
    if (membership === undefined) throw new ServiceError('project.not_found')
    if (token !== undefined) {
      const isInScope =
        (token.organizationId === null || token.organizationId === membership.organizationId) &&
        (token.projectRefs === null || token.projectRefs.includes(ref))
      if (!isInScope) throw new ServiceError('project.not_found')
      if (token.access !== 'write' && !isReading(permission)) {
        throw new ServiceError('access.forbidden', { message: 'The access token may only read.' })
      }
    }
    if (!mayDo(membership.role, permission)) throw new ServiceError('access.forbidden')
    return new CheckedAccess(ref, { kind: 'member', accountId, role: membership.role, permission }) as unknown as ProjectAccess
  }

  #hear(event: PlatformEvent): void {
    if (event.type === 'resync') this.#cache.clear()
    if (event.type !== 'project_changed' && event.type !== 'project_removed') return
    this.#cache.forget(event.ref)
    if (event.type === 'project_removed') void this.#pools.closeProject(event.ref)
  }
}

/** The only maker of proofs; what it has not made, it does not open. */
class CheckedAccess {
  readonly ref: ProjectRef
  readonly caller: Caller
  #scope: ProjectScope | undefined

  constructor(ref: ProjectRef, caller: Caller) {
    this.ref = ref
    this.caller = caller
  }

  /** An app's access; made once for the same credentials, with its scope. */
  static ofApp(project: OpenProject, caller: AppCaller): ProjectAccess {
    let access = project.accesses.get(caller) as CheckedAccess | undefined
    if (access === undefined) {
      access = new CheckedAccess(project.ref, caller)
      access.#scope = toScope(project, caller)
      project.accesses.set(caller, access)
    }
    return access as unknown as ProjectAccess
  }

  static findScope(access: object): ProjectScope | undefined {
    if (!(#scope in access)) throw new ServiceError('system.unexpected', { cause: new Error('This access was not made by a router.') })
    return access.#scope
  }

  static open(access: ProjectAccess, project: OpenProject): ProjectScope {
    return toScope(project, access.caller)
  }
}

function toScope(project: OpenProject, caller: Caller): ProjectScope {
  const { ref, configuration, tokens, secrets, deriveKey, database } = project
  return { ref, caller, configuration, tokens, secrets, deriveKey, db: database.forCaller(caller) }
}

function requireActive(cached: CachedProject): OpenProject {
  if (cached === undefined) throw new ServiceError('project.not_found')
  if (cached.project === undefined) throw new ServiceError('project.not_active', { details: { status: cached.status } })
  return cached.project
}
