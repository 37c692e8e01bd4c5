import { ServiceError } from '@polder/core'
import {
  deleteProjectSecret,
  insertAuditEntry,
  selectProjectForUpdate,
  selectProjectSecretTimes,
  upsertProjectSecrets,
  type PlatformDatabase,
  type PlatformEvents,
  type SecretBox,
  type ServiceSecretName,
} from '@polder/db'
import type { Actor } from './actor.ts'

export interface ProjectSecretsDependencies {
  platform: PlatformDatabase
  box: SecretBox
  events: Pick<PlatformEvents, 'publish'>
}

/** Secrets that members give a project's services. Nobody is shown one again; who may set them is checked before, by the procedure. */
export function createProjectSecrets({ platform, box, events }: ProjectSecretsDependencies) {
  return {
    /** Which of these are set, and since when. */
    async list<Name extends ServiceSecretName>(ref: string, names: readonly Name[]): Promise<{ name: Name; updatedAt: Date | null }[]> {
      const times = await selectProjectSecretTimes(platform, ref)
      return names.map((name) => ({ name, updatedAt: times.get(name) ?? null }))
    },

    /** Sets, replaces or (null) takes away secrets; every process works with them from the next request on. The audit log keeps which. */
    async update(actor: Actor, ref: string, changes: { [Name in ServiceSecretName]?: string | null | undefined }): Promise<void> {
      const given = Object.entries(changes).filter((entry): entry is [ServiceSecretName, string | null] => entry[1] !== undefined)
      await platform.transaction().execute(async (tx) => {
        const project = await selectProjectForUpdate(tx, ref)
        if (!project) throw new ServiceError('project.not_found')
        for (const [name, value] of given) {
          if (value === null) await deleteProjectSecret(tx, ref, name)
          else await upsertProjectSecrets(tx, box, ref, { [name]: value })
        }
        const details = { changed: given.map(([name]) => name) }
        const { organizationId } = project
        await insertAuditEntry(tx, { actor, organizationId, ref, action: 'secrets.update', target: 'auth', details })
        await events.publish({ type: 'project_changed', ref }, tx)
      })
    },
  }
}
