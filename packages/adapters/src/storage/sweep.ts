import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { selectVersions } from './queries/objects.ts'
import { selectBucket } from './queries/buckets.ts'
import { toJsonRows } from './queries/statement.ts'
import type { StorageParts } from './storage-parts.ts'
import { toBucketPrefix, toImagePrefix, toProjectPrefix } from './stored-keys.ts'

export interface SweepResult {
  bytes: number
  objects: number
  removed: number
  isBucketGone: boolean
}

const BATCH = 1000

/** Removes bytes of a bucket that no row names, unless they are so new that their row may still be written; counts the others. */
export async function sweepBucket(parts: StorageParts, project: ProjectScope, bucket: string, before: Date): Promise<SweepResult> {
  const result: SweepResult = { bytes: 0, objects: 0, removed: 0, isBucketGone: false }
  let batch: { key: string; bytes: number; version: string; modifiedAt: Date }[] = []

  async function judge(): Promise<void> {
    if (batch.length === 0) return
    const versions = batch.map(({ version }) => version)
    const named = new Set(toJsonRows<string>((await translated(project.db.asService(selectVersions(bucket, versions)))).rows))
    const orphans = batch.filter(({ version, modifiedAt }) => !named.has(version) && modifiedAt < before)
    await parts.objects.delete(orphans.map(({ key }) => key))
    result.removed += orphans.length
    for (const { version, bytes } of batch) {
      if (!named.has(version)) continue
      result.bytes += bytes
      result.objects += 1
    }
    batch = []
  }

  for await (const { key, bytes, modifiedAt } of parts.objects.list(toBucketPrefix(project.ref, bucket))) {
    batch.push({ key, bytes, version: key.slice(key.lastIndexOf('/') + 1), modifiedAt })
    if (batch.length === BATCH) await judge()
  }
  await judge()
  result.isBucketGone = (await translated(project.db.asService(selectBucket(bucket)))).rows.length === 0
  return result
}

/** Removes uploads that nobody goes on with, and scaled images that are old: they are made again when they are asked for. */
export async function sweepProject(parts: StorageParts, ref: string, times: { uploads: Date; images: Date }): Promise<number> {
  let removed = 0
  for (const [prefix, before] of [
    [`${toProjectPrefix(ref)}.uploads/`, times.uploads],
    [toImagePrefix(ref), times.images],
  ] as const) {
    let keys: string[] = []
    for await (const { key, modifiedAt } of parts.objects.list(prefix)) {
      if (modifiedAt >= before) continue
      keys.push(key)
      if (keys.length < BATCH) continue
      await parts.objects.delete(keys)
      removed += keys.length
      keys = []
    }
    await parts.objects.delete(keys)
    removed += keys.length
  }
  return removed
}

/** Removes everything of a project. */
export async function removeProjectFiles(parts: Pick<StorageParts, 'objects'>, ref: string): Promise<void> {
  await parts.objects.deleteAll(toProjectPrefix(ref))
}
