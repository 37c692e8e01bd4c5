import {
  ServiceError,
  type AuditPage,
  type CreateProject,
  type ListAuditEntries,
  type Operation,
  type Project,
  type ProjectConnection,
  type RevealableSecret,
} from '@polder/core'
import {
  deleteProjectSecret,
  hasOpenOperation,
  insertAuditEntry,
  insertOperation,
  insertProject,
  selectAuditEntries,
  selectClusterForProject,
  selectLatestOperation,
  selectProject,
  selectProjectForUpdate,
  selectProjectSecrets,
  selectProjectsOfAccount,
  selectRole,
  toDatabaseName,
  toLoginName,
  updateProjectName,
  updateProjectOrganization,
  updateProjectStatus,
  upsertProjectSecrets,
  type PlatformDatabase,
  type PlatformEvents,
  type ProjectSecretName,
  type SecretBox,
  type ServerAddress,
} from '@polder/db'
import type { SignedIn } from '../access/studio-session.ts'
import type { Actor } from './actor.ts'
import { toPendingSteps, type OperationPlan } from './operation-plan.ts'
import { toOperation } from './operations.ts'
import { makeProjectRef } from './project-refs.ts'

export interface ProjectsDependencies {
  platform: PlatformDatabase
  box: SecretBox
  events: PlatformEvents
  plans: { create: Pick<OperationPlan<object>, 'stages'>; delete: Pick<OperationPlan<object>, 'stages'> }
  publicUrl: string
  addressOf(clusterId: string): ServerAddress
}

export type Projects = ReturnType<typeof createProjects>

const SECRET_OF: Record<RevealableSecret, ProjectSecretName> = {
  service_role_key: 'service_role_key',
  secret_key: 'secret_key',
  jwt_secret: 'jwt_secret',
  database_password: 'owner_password',
}

/** What members do with projects as a whole. Who may is checked before, by the procedure. */
export function createProjects(parts: ProjectsDependencies) {
  const { platform, box, events } = parts

  /** The project with its row held, and nothing else running on it. */
  async function lockIdle(tx: PlatformDatabase, ref: string): Promise<Project> {
    const project = await selectProjectForUpdate(tx, ref)
    if (!project) throw new ServiceError('project.not_found')
    if (await hasOpenOperation(tx, ref)) throw new ServiceError('project.busy')
    return project
  }

  async function get(ref: string): Promise<Project> {
    const project = await selectProject(platform, ref)
    if (!project) throw new ServiceError('project.not_found')
    return project
  }

  return {
    get,

    list(account: SignedIn, organizationId?: string): Promise<Project[]> {
      const { accountId, token } = account
      return selectProjectsOfAccount(platform, {
        accountId,
        organizationId,
        tokenOrganizationId: token?.organizationId,
        tokenRefs: token?.projectRefs,
      })
    },

    /** Writes down what is wanted and begins to make it; the operation tells when it can be used. */
    async create(actor: Actor, input: CreateProject): Promise<{ project: Project; operation: Operation }> {
      return platform.transaction().execute(async (tx) => {
        const cluster = await selectClusterForProject(tx, input)
        if (!cluster) throw new ServiceError('project.cluster_not_found')
        const ref = makeProjectRef()
        const project = await insertProject(tx, {
          ref,
          organizationId: input.organizationId,
          clusterId: cluster.id,
          name: input.name,
          region: input.region ?? cluster.region,
          databaseName: toDatabaseName(ref),
          createdBy: actor.accountId,
        })
        // One in 10^28: somebody else's ref, now or in former times.
        if (!project) throw new ServiceError('system.busy')
        if (input.databasePassword !== undefined) await upsertProjectSecrets(tx, box, ref, { owner_password: input.databasePassword })
        const operation = await insertOperation(tx, {
          kind: 'project.create',
          ref,
          organizationId: input.organizationId,
          accountId: actor.accountId,
          steps: toPendingSteps(parts.plans.create),
        })
        await insertAuditEntry(tx, { actor, organizationId: input.organizationId, ref, action: 'project.create', target: input.name })
        await events.publish({ type: 'project_changed', ref }, tx)
        return { project, operation: toOperation(operation) }
      })
    },

    async rename(actor: Actor, ref: string, name: string): Promise<Project> {
      return platform.transaction().execute(async (tx) => {
        const before = await selectProjectForUpdate(tx, ref)
        const project = await updateProjectName(tx, ref, name)
        if (!before || !project) throw new ServiceError('project.not_found')
        const { organizationId } = project
        await insertAuditEntry(tx, { actor, organizationId, ref, action: 'project.rename', target: name, details: { from: before.name } })
        await events.publish({ type: 'project_changed', ref }, tx)
        return project
      })
    },

    /** Gives the project to another organization that the account owns too. Throws `organization.not_found` for one that is not theirs. */
    async transfer(actor: Actor, account: SignedIn, ref: string, organizationId: string): Promise<Project> {
      return platform.transaction().execute(async (tx) => {
        const before = await lockIdle(tx, ref)
        const isInScope = !account.token?.organizationId || account.token.organizationId === organizationId
        const role = isInScope ? await selectRole(tx, organizationId, account.accountId) : undefined
        if (!role) throw new ServiceError('organization.not_found')
        if (role !== 'owner') throw new ServiceError('access.forbidden')
        const project = await updateProjectOrganization(tx, ref, organizationId)
        if (!project) throw new ServiceError('project.not_found')
        const details = { from: before.organizationId, to: organizationId }
        for (const side of new Set([before.organizationId, organizationId])) {
          await insertAuditEntry(tx, { actor, organizationId: side, ref, action: 'project.transfer', target: project.name, details })
        }
        await events.publish({ type: 'project_changed', ref }, tx)
        return project
      })
    },

    /** Begins to delete it; nobody gets in from now on. The name must be the project's own. */
    async delete(actor: Actor, ref: string, name: string): Promise<Operation> {
      return platform.transaction().execute(async (tx) => {
        const project = await lockIdle(tx, ref)
        if (project.name !== name) throw new ServiceError('project.name_mismatch')
        return beginDeleting(tx, actor, project)
      })
    },

    /** Tries again what a failed project failed at. */
    async retry(actor: Actor, ref: string): Promise<Operation> {
      return platform.transaction().execute(async (tx) => {
        const project = await lockIdle(tx, ref)
        const last = await selectLatestOperation(tx, ref)
        if (project.status !== 'failed' || !last) throw new ServiceError('operation.not_retryable')
        if (last.kind === 'project.delete') return beginDeleting(tx, actor, project)
        await updateProjectStatus(tx, ref, 'provisioning')
        return begin(tx, actor, project, 'project.create', 'project.retry')
      })
    },

    /** What an app needs to use the project; holds no secret. Throws `project.not_active` before the keys are made. */
    async getConnection(ref: string): Promise<ProjectConnection> {
      const project = await get(ref)
      const secrets = await selectProjectSecrets(platform, box, ref)
      if (secrets.anon_key === undefined || secrets.publishable_key === undefined) throw new ServiceError('project.not_active')
      const address = parts.addressOf(project.clusterId)
      return {
        ref: project.ref,
        url: `${parts.publicUrl}/projects/${ref}`,
        anonKey: secrets.anon_key,
        publishableKey: secrets.publishable_key,
        database: { host: address.host, port: address.port, name: project.databaseName, user: toLoginName(ref, 'owner') },
        hasFirstUserPassword: secrets.first_user !== undefined,
      }
    },

    /** The keys that a call in the project's name carries; never for an answer. */
    async getAppKeys(ref: string): Promise<{ anonKey: string; serviceRoleKey: string }> {
      const { anon_key: anonKey, service_role_key: serviceRoleKey } = await selectProjectSecrets(platform, box, ref)
      if (anonKey === undefined || serviceRoleKey === undefined) throw new ServiceError('project.not_active')
      return { anonKey, serviceRoleKey }
    },

    /** Shows one secret, and writes down who saw it. */
    async revealSecret(actor: Actor, ref: string, secret: RevealableSecret): Promise<{ value: string }> {
      return platform.transaction().execute(async (tx) => {
        const project = await selectProject(tx, ref)
        const value = (await selectProjectSecrets(tx, box, ref))[SECRET_OF[secret]]
        if (!project || value === undefined) throw new ServiceError('project.secret_not_found')
        await insertAuditEntry(tx, { actor, organizationId: project.organizationId, ref, action: 'project.reveal_secret', target: secret })
        return { value }
      })
    },

    /** The first user's password, to the first who asks: it is forgotten in the same transaction. */
    async takeFirstUserPassword(actor: Actor, ref: string): Promise<{ email: string; password: string }> {
      return platform.transaction().execute(async (tx) => {
        const project = await selectProject(tx, ref)
        if (!project) throw new ServiceError('project.not_found')
        // While it is being made, a later step or a second try still needs it.
        if (project.status !== 'active') throw new ServiceError('project.not_active')
        const kept = (await selectProjectSecrets(tx, box, ref)).first_user
        if (kept === undefined || !(await deleteProjectSecret(tx, ref, 'first_user'))) throw new ServiceError('project.first_user_taken')
        const user = JSON.parse(kept) as { email: string; password: string }
        await insertAuditEntry(tx, {
          actor,
          organizationId: project.organizationId,
          ref,
          action: 'project.take_first_user_password',
          target: user.email,
        })
        return user
      })
    },

    /** One page of what was done to the project, the newest first. */
    async listAuditEntries(ref: string, { before, limit }: ListAuditEntries): Promise<AuditPage> {
      // One more than asked for says whether there is another page.
      const rows = await selectAuditEntries(platform, { ref, before, limit: limit + 1 })
      const entries = rows.slice(0, limit)
      return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null }
    },
  }

  async function beginDeleting(tx: PlatformDatabase, actor: Actor, project: Project): Promise<Operation> {
    await updateProjectStatus(tx, project.ref, 'deleting')
    return begin(tx, actor, project, 'project.delete', 'project.delete')
  }

  async function begin(
    tx: PlatformDatabase,
    actor: Actor,
    project: Project,
    kind: 'project.create' | 'project.delete',
    action: string,
  ): Promise<Operation> {
    const { ref, organizationId, name } = project
    const steps = toPendingSteps(kind === 'project.create' ? parts.plans.create : parts.plans.delete)
    const operation = await insertOperation(tx, { kind, ref, organizationId, accountId: actor.accountId, steps })
    await insertAuditEntry(tx, { actor, organizationId, ref, action, target: name })
    await events.publish({ type: 'project_changed', ref }, tx)
    return toOperation(operation)
  }
}
