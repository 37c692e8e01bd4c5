import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { selectBucket, type BucketRow } from './queries/buckets.ts'
import { toJsonRows } from './queries/statement.ts'

const KEPT_MS = 1_000
const MAX_KEPT = 5_000

/** What buckets allow, looked up once for all uploads of the same second. Not for who may see a bucket. */
export interface BucketCache {
  /** Throws `storage.bucket_not_found`. */
  get(project: ProjectScope, bucket: string): Promise<BucketRow>
  forget(ref: string, bucket: string): void
}

export function createBucketCache(): BucketCache {
  const kept = new Map<string, { row: BucketRow; at: number }>()
  const toKey = (ref: string, bucket: string) => `${ref}/${bucket}`
  return {
    async get(project, bucket) {
      const key = toKey(project.ref, bucket)
      const known = kept.get(key)
      if (known !== undefined && Date.now() - known.at < KEPT_MS) return known.row
      kept.delete(key)
      const { rows } = await translated(project.db.asService(selectBucket(bucket)))
      const [row] = toJsonRows<BucketRow>(rows)
      if (row === undefined) throw new ServiceError('storage.bucket_not_found')
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(key, { row, at: Date.now() })
      return row
    },
    forget: (ref, bucket) => void kept.delete(toKey(ref, bucket)),
  }
}
