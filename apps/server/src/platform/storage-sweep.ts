import type { StorageAdapter } from '@polder/adapters/storage'
import { isServiceError, type Observe } from '@polder/core'
import { claimUnsweptBuckets, setStorageUsage, type PlatformDatabase, type ProjectScope } from '@polder/db'

export interface StorageSweepDependencies {
  platform: PlatformDatabase
  storage: StorageAdapter
  /** Opens a project for the platform's own work. */
  open(ref: string): Promise<ProjectScope>
  observe: Observe
  everyMs?: number
  /** How old a file must be before it can be an orphan, and for how long a bucket must have been quiet. */
  settledMs?: number
}

const HOUR = 3_600_000
const UPLOADS_MS = 26 * HOUR
const IMAGES_MS = 30 * 24 * HOUR

/**
 * Looks for files that no row names: what a process that died was writing, and what SQL of a project deleted. Only buckets that
 * changed are looked through, each by one process.
 */
export function createStorageSweep(parts: StorageSweepDependencies) {
  const { platform, storage, observe, everyMs = HOUR, settledMs = HOUR } = parts
  let running: Promise<number> | undefined
  const timer = setInterval(() => void run(), everyMs).unref()

  function run(isEverything = false): Promise<number> {
    running ??= sweep(isEverything)
      .catch((cause: unknown) => {
        observe({ kind: 'error', code: 'storage.store_unavailable', cause })
        return 0
      })
      .finally(() => (running = undefined))
    return running
  }

  async function sweep(isEverything: boolean): Promise<number> {
    let removed = 0
    const now = Date.now()
    const claimed = await claimUnsweptBuckets(platform, { settledSeconds: settledMs / 1000, isEverything })
    for (const ref of new Set(claimed.map((bucket) => bucket.ref))) {
      removed += await storage.sweepProject(ref, { uploads: new Date(now - UPLOADS_MS), images: new Date(now - IMAGES_MS) })
    }
    for (const { ref, bucketId } of claimed) {
      try {
        const found = await storage.sweepBucket(await parts.open(ref), bucketId, new Date(now - settledMs))
        await setStorageUsage(platform, ref, { bucketId, bytes: found.bytes, objects: found.objects }, found.isBucketGone)
        removed += found.removed
      } catch (error) {
        // A project that is paused or going away has no orphans that cannot wait.
        if (!isServiceError(error)) throw error
      }
    }
    await storage.sweepStore(new Date(now - UPLOADS_MS))
    return removed
  }

  return {
    /** Looks now, at what changed or at everything; answers how many files were removed. */
    run,
    async stop(): Promise<void> {
      clearInterval(timer)
      await running
    },
  }
}
