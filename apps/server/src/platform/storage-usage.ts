import { projectSettingsSchema, ServiceError, type Observe, type StorageUsage } from '@polder/core'
import type { UsageMeter } from '@polder/adapters/storage'
import {
  addStorageUsage,
  selectProjectSettings,
  selectStorageUsage,
  type BucketUsage,
  type PlatformDatabase,
  type UsageChange,
} from '@polder/db'

export interface StorageUsageDependencies {
  platform: PlatformDatabase
  /** Most bytes of one project; null for no limit. */
  quotaBytes: number | null
  observe: Observe
}

const FLUSH_MS = 500
const FRESH_MS = 2_000
const MAX_KNOWN = 5_000

interface Known {
  at: number
  buckets: Map<string, BucketUsage>
}

/** What projects' files take up. Counted in this process and written down together with what others counted, a moment later. */
export function createStorageUsage({ platform, quotaBytes, observe }: StorageUsageDependencies) {
  const pending = new Map<string, UsageChange>()
  const known = new Map<string, Known>()
  let timer: NodeJS.Timeout | undefined
  let flushing = Promise.resolve()

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const changes = [...pending.values()]
    pending.clear()
    flushing = flushing.then(() =>
      addStorageUsage(platform, changes).catch((cause: unknown) => {
        // The next sweep counts anew what is lost here.
        observe({ kind: 'error', code: 'system.unavailable', cause })
      }),
    )
    return flushing
  }

  async function read(ref: string): Promise<Map<string, BucketUsage>> {
    const fresh = known.get(ref)
    if (fresh !== undefined && Date.now() - fresh.at < FRESH_MS) return fresh.buckets
    if (pending.size > 0) await flush()
    const buckets = new Map((await selectStorageUsage(platform, ref)).map((usage) => [usage.bucketId, usage]))
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(ref, { at: Date.now(), buckets })
    return buckets
  }

  function toQuota(projectQuota: number | null): number {
    return Math.min(projectQuota ?? Infinity, quotaBytes ?? Infinity)
  }

  const meter: UsageMeter = {
    async readRemaining(project, bucket) {
      const { storage } = project.configuration
      const quota = toQuota(storage.quotaBytes)
      const bucketQuota = storage.bucketQuotas[bucket] ?? Infinity
      if (quota === Infinity && bucketQuota === Infinity) return Infinity
      const buckets = await read(project.ref)
      const used = [...buckets.values()].reduce((sum, { bytes }) => sum + bytes, 0)
      return Math.min(quota - used, bucketQuota - (buckets.get(bucket)?.bytes ?? 0))
    },
    add(ref, bucketId, bytes, objects) {
      const key = `${ref}/${bucketId}`
      const change = pending.get(key) ?? { ref, bucketId, bytes: 0, objects: 0 }
      pending.set(key, { ref, bucketId, bytes: change.bytes + bytes, objects: change.objects + objects })
      // What was read a moment ago is still right, with this.
      const buckets = known.get(ref)?.buckets
      const usage = buckets?.get(bucketId) ?? { bucketId, bytes: 0, objects: 0 }
      buckets?.set(bucketId, { bucketId, bytes: Math.max(0, usage.bytes + bytes), objects: Math.max(0, usage.objects + objects) })
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref()
    },
  }

  return {
    meter,
    /** What the project has, by bucket. */
    async get(ref: string): Promise<StorageUsage> {
      const settings = await selectProjectSettings(platform, ref)
      if (!settings) throw new ServiceError('project.not_found')
      await flush()
      const usages = await selectStorageUsage(platform, ref)
      const quota = toQuota(projectSettingsSchema.parse(settings).storage.quotaBytes)
      return {
        buckets: usages.map(({ bucketId, bytes, objects }) => ({ bucket: bucketId, bytes, objects })),
        bytes: usages.reduce((sum, { bytes }) => sum + bytes, 0),
        objects: usages.reduce((sum, { objects }) => sum + objects, 0),
        quotaBytes: quota === Infinity ? null : quota,
      }
    },
    /** Writes down what was counted. */
    flush,
  }
}
