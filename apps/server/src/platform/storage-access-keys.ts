import { randomBytes } from 'node:crypto'
import { MAX_ACCESS_KEYS, ServiceError, storedAccessKeySchema, type StorageAccessKey, type StoredAccessKey } from '@polder/core'
import {
  insertAuditEntry,
  selectProjectForUpdate,
  selectProjectSecrets,
  upsertProjectSecrets,
  type PlatformDatabase,
  type PlatformEvents,
  type SecretBox,
} from '@polder/db'
import type { Actor } from './actor.ts'

export interface StorageAccessKeysDependencies {
  platform: PlatformDatabase
  box: SecretBox
  events: Pick<PlatformEvents, 'publish'>
}

/** The keys by which S3 tools sign for a project. They are kept sealed, all in one secret; a secret key is shown when it is made, and never again. */
export function createStorageAccessKeys({ platform, box, events }: StorageAccessKeysDependencies) {
  async function read(tx: PlatformDatabase, ref: string): Promise<StoredAccessKey[]> {
    const { storage_access_keys: text = '[]' } = await selectProjectSecrets(tx, box, ref)
    return storedAccessKeySchema.array().parse(JSON.parse(text))
  }

  async function change(
    actor: Actor,
    ref: string,
    action: string,
    target: string,
    work: (keys: StoredAccessKey[]) => StoredAccessKey[],
  ): Promise<void> {
    await platform.transaction().execute(async (tx) => {
      const project = await selectProjectForUpdate(tx, ref)
      if (!project) throw new ServiceError('project.not_found')
      const keys = work(await read(tx, ref))
      await upsertProjectSecrets(tx, box, ref, { storage_access_keys: JSON.stringify(keys) })
      await insertAuditEntry(tx, { actor, organizationId: project.organizationId, ref, action, target })
      await events.publish({ type: 'project_changed', ref }, tx)
    })
  }

  return {
    async list(ref: string): Promise<StorageAccessKey[]> {
      return (await read(platform, ref)).map(({ accessKeyId, name, createdAt }) => ({ accessKeyId, name, createdAt: new Date(createdAt) }))
    },

    /** Throws `storage.access_keys_exhausted`. */
    async create(actor: Actor, ref: string, name: string): Promise<StorageAccessKey & { secretAccessKey: string }> {
      const accessKeyId = randomBytes(16).toString('hex')
      const secretAccessKey = randomBytes(32).toString('hex')
      const createdAt = new Date()
      await change(actor, ref, 'access_key.create', accessKeyId, (keys) => {
        if (keys.length >= MAX_ACCESS_KEYS) throw new ServiceError('storage.access_keys_exhausted')
        return [...keys, { accessKeyId, secretAccessKey, name, createdAt: createdAt.toISOString() }]
      })
      return { accessKeyId, secretAccessKey, name, createdAt }
    },

    /** What signs with it is refused from the next request on. Throws `storage.access_key_unknown`. */
    async remove(actor: Actor, ref: string, accessKeyId: string): Promise<void> {
      await change(actor, ref, 'access_key.delete', accessKeyId, (keys) => {
        const left = keys.filter((key) => key.accessKeyId !== accessKeyId)
        if (left.length === keys.length) throw new ServiceError('storage.access_key_unknown')
        return left
      })
    },
  }
}
