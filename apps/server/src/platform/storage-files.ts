import type { StorageAdapter } from '@polder/adapters/storage'
import type { Bucket, CreateBucket, UpdateBucket } from '@polder/core'
import { insertAuditEntry, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

export interface StorageFilesDependencies {
  platform: PlatformDatabase
  storage: StorageAdapter
}

interface Selection {
  bucket: string
  names: readonly string[]
}

interface Transfer extends Selection {
  toBucket: string
  toFolder: string
  fromFolder: string
}

const DOWNLOAD = '/storage/v1/object/sign/'
const UPLOAD_SECONDS = 24 * 60 * 60

/** What members do with a project's files, by the dashboard or the SDK. Who may is checked before, by the procedure; changes are noted. */
export function createStorageFiles({ platform, storage }: StorageFilesDependencies) {
  async function note(
    project: ProjectScope,
    actor: Actor,
    action: string,
    target: string,
    details?: Record<string, unknown>,
  ): Promise<void> {
    const { organizationId } = project.configuration
    await insertAuditEntry(platform, { actor, organizationId, ref: project.ref, action, target, ...(details && { details }) })
  }

  return {
    async createBucket(project: ProjectScope, actor: Actor, input: CreateBucket): Promise<Bucket> {
      const bucket = await storage.createBucket(project, input)
      await note(project, actor, 'bucket.create', bucket.id)
      return bucket
    },
    async updateBucket(project: ProjectScope, actor: Actor, input: UpdateBucket): Promise<Bucket> {
      const bucket = await storage.updateBucket(project, input)
      await note(project, actor, 'bucket.update', bucket.id)
      return bucket
    },
    async emptyBucket(project: ProjectScope, actor: Actor, name: string): Promise<number> {
      const count = await storage.emptyBucket(project, name)
      await note(project, actor, 'bucket.empty', name, { count })
      return count
    },
    async deleteBucket(project: ProjectScope, actor: Actor, name: string): Promise<void> {
      await storage.deleteBucket(project, name)
      await note(project, actor, 'bucket.delete', name)
    },

    /** Deletes a selection, folders with all that is in them; answers how many files there were. */
    async deleteFiles(project: ProjectScope, actor: Actor, { bucket, names }: Selection): Promise<number> {
      const selected = await storage.findSelected(project, bucket, names)
      let count = 0
      for (let start = 0; start < selected.length; start += 1000) {
        count += (await storage.deleteFiles(project, bucket, selected.slice(start, start + 1000))).length
      }
      await note(project, actor, 'files.delete', bucket, { count })
      return count
    },
    async moveFiles(project: ProjectScope, actor: Actor, transfer: Transfer): Promise<number> {
      const count = await each(project, transfer, (from, to) => storage.moveFile(project, from, to))
      await note(project, actor, 'files.move', transfer.bucket, { count, to: transfer.toBucket })
      return count
    },
    async copyFiles(project: ProjectScope, actor: Actor, transfer: Transfer): Promise<number> {
      const count = await each(project, transfer, (from, to) => storage.copyFile(project, { from, to, isUpsert: false }))
      await note(project, actor, 'files.copy', transfer.bucket, { count, to: transfer.toBucket })
      return count
    },

    /** A link to a file for whoever has it. Throws `storage.object_not_found`. */
    async createUrl(
      project: ProjectScope,
      input: { bucket: string; name: string; expiresInSeconds: number; download?: string | undefined },
    ) {
      const { bucket, name, expiresInSeconds, download } = input
      await storage.getFile(project, 'caller', { bucket, name })
      const token = storage.signLink(project, { scope: 'download', url: `${bucket}/${name}` }, expiresInSeconds)
      const query = new URLSearchParams({ token, ...(download !== undefined && { download }) })
      return { url: `${project.configuration.url}${DOWNLOAD}${toPath(bucket, name)}?${query}` }
    },
    /** What a browser needs to upload each of these by itself, in pieces that can be resumed. */
    async createUploads(project: ProjectScope, actor: Actor, { bucket, names, isUpsert }: Selection & { isUpsert: boolean }) {
      await storage.getBucket(project, bucket)
      await note(project, actor, 'files.upload', bucket, { count: names.length })
      const sign = (name: string) =>
        storage.signLink(project, { scope: 'upload', url: `${bucket}/${name}`, upsert: isUpsert }, UPLOAD_SECONDS)
      return { endpoint: `${project.configuration.url}/storage/v1/upload/resumable/sign`, tokens: names.map(sign) }
    },
  }

  async function each(
    project: ProjectScope,
    { bucket, names, toBucket, toFolder, fromFolder }: Transfer,
    work: (from: { bucket: string; name: string }, to: { bucket: string; name: string }) => Promise<unknown>,
  ): Promise<number> {
    const selected = await storage.findSelected(project, bucket, names)
    for (const name of selected) {
      const rest = name.startsWith(fromFolder) ? name.slice(fromFolder.length) : name
      await work({ bucket, name }, { bucket: toBucket, name: `${toFolder}${rest}` })
    }
    return selected.length
  }
}

function toPath(bucket: string, name: string): string {
  return [bucket, ...name.split('/')].map(encodeURIComponent).join('/')
}
