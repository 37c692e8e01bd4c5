import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { createDiskObjectStore } from '../object-store/index.ts'
import { createStorageAdapter, type StorageAdapter } from './adapter.ts'

const BUCKET = 'probe'

/** One store for both projects, as in a server: only the keys keep them apart. */
const opened = mkdtemp(path.join(tmpdir(), 'polder-probe-')).then((folder) =>
  createStorageAdapter({ objects: createDiskObjectStore({ folder }), observe: () => {} }),
)

/** For the isolation law: keeps an object that is made from the seed in a project, and says whether a project has it. */
export const probe = {
  async write(project: ProjectScope, seed: string): Promise<void> {
    const storage = await opened
    await makeBucket(storage, project)
    const body = Buffer.from(seed)
    await storage.uploadFile(project, {
      bucket: BUCKET,
      name: toName(seed),
      body,
      type: 'text/plain',
      cacheControl: 'no-cache',
      isUpsert: true,
    })
  },
  async sees(project: ProjectScope, seed: string): Promise<boolean> {
    const storage = await opened
    try {
      const { body } = await storage.downloadFile(project, { bucket: BUCKET, name: toName(seed) })
      return Buffer.isBuffer(body) && body.equals(Buffer.from(seed))
    } catch (error) {
      if (isServiceError(error, 'storage.object_not_found')) return false
      throw error
    }
  },
}

async function makeBucket(storage: StorageAdapter, project: ProjectScope): Promise<void> {
  await storage.createBucket(project, { name: BUCKET }).catch((error: unknown) => {
    if (!isServiceError(error, 'storage.bucket_exists')) throw error
  })
}

function toName(seed: string): string {
  return createHash('sha256').update(seed).digest('hex')
}
