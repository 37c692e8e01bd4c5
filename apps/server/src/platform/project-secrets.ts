import { randomBytes } from 'node:crypto'
import { ServiceError, type HookName } from '@polder/core'
import {
  deleteProjectSecret,
  insertAuditEntry,
  selectProjectSecrets,
  selectProjectForUpdate,
  selectProjectSecretTimes,
  upsertProjectSecrets,
  type PlatformDatabase,
  type PlatformEvents,
  type SecretBox,
  type ServiceSecretName,
} from '@polder/db'
import type { Actor } from './actor.ts'

type SecretChanges = { [Name in ServiceSecretName]?: string | null | undefined }

export interface ProjectSecretsDependencies {
  platform: PlatformDatabase
  box: SecretBox
  events: Pick<PlatformEvents, 'publish'>
}

/** Signatures that a hook's calls carry at most: while its receiver changes from one secret to the next. */
const MOST_HOOK_SECRETS = 2

/** Secrets that members give a project's services. Nobody is shown one again; who may set them is checked before, by the procedure. */
export function createProjectSecrets({ platform, box, events }: ProjectSecretsDependencies) {
  async function update(actor: Actor, ref: string, toChanges: (tx: PlatformDatabase) => Promise<SecretChanges>): Promise<void> {
    await platform.transaction().execute(async (tx) => {
      const project = await selectProjectForUpdate(tx, ref)
      if (!project) throw new ServiceError('project.not_found')
      const changes = await toChanges(tx)
      const given = Object.entries(changes).filter((entry): entry is [ServiceSecretName, string | null] => entry[1] !== undefined)
      for (const [name, value] of given) {
        if (value === null) await deleteProjectSecret(tx, ref, name)
        else await upsertProjectSecrets(tx, box, ref, { [name]: value })
      }
      const details = { changed: given.map(([name]) => name) }
      const { organizationId } = project
      await insertAuditEntry(tx, { actor, organizationId, ref, action: 'secrets.update', target: 'auth', details })
      await events.publish({ type: 'project_changed', ref }, tx)
    })
  }

  return {
    /** Which of these are set, and since when. */
    async list<Name extends ServiceSecretName>(ref: string, names: readonly Name[]): Promise<{ name: Name; updatedAt: Date | null }[]> {
      const times = await selectProjectSecretTimes(platform, ref)
      return names.map((name) => ({ name, updatedAt: times.get(name) ?? null }))
    },

    /** Sets, replaces or (null) takes away secrets; every process works with them from the next request on. The audit log keeps which. */
    update: (actor: Actor, ref: string, changes: SecretChanges): Promise<void> => update(actor, ref, async () => changes),

    /** Makes a secret that a hook's calls are signed with, and tells it this once. The previous one goes, or signs too. */
    async createHookSecret(
      actor: Actor,
      ref: string,
      { hook, keepsPrevious }: { hook: HookName; keepsPrevious: boolean },
    ): Promise<{ secret: string }> {
      const name = `hook_${hook}_secrets` as const
      const secret = `v1,whsec_${randomBytes(32).toString('base64')}`
      await update(actor, ref, async (tx) => {
        const previous = keepsPrevious ? (await selectProjectSecrets(tx, box, ref))[name] : undefined
        return { [name]: [secret, ...(previous?.split('|') ?? [])].slice(0, MOST_HOOK_SECRETS).join('|') }
      })
      return { secret }
    },
  }
}
