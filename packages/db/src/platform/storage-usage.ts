import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** What a bucket takes up, as the servers counted it. */
export interface BucketUsage {
  bucketId: string
  bytes: number
  objects: number
}

/** A change of it. */
export interface UsageChange {
  ref: string
  bucketId: string
  bytes: number
  objects: number
}

export async function selectStorageUsage(tx: PlatformDatabase, ref: string): Promise<BucketUsage[]> {
  const rows = await tx.selectFrom('storage_usage').select(['bucket_id', 'bytes', 'objects']).where('ref', '=', ref).execute()
  return rows.map((row) => ({ bucketId: row.bucket_id, bytes: Number(row.bytes), objects: Number(row.objects) }))
}

/** Adds changes to what is counted; those of projects that are gone are dropped. */
export async function addStorageUsage(tx: PlatformDatabase, changes: readonly UsageChange[]): Promise<void> {
  if (changes.length === 0) return
  await sql`insert into storage_usage as u (ref, bucket_id, bytes, objects)
    select c.ref, c.bucket_id, greatest(c.bytes, 0), greatest(c.objects, 0)
    from jsonb_to_recordset(${JSON.stringify(changes.map(toRow))}::jsonb) as c (ref text, bucket_id text, bytes bigint, objects bigint)
    where exists (select from projects p where p.ref = c.ref)
    on conflict (ref, bucket_id) do update set bytes = greatest(u.bytes + (
        select c.bytes from jsonb_to_recordset(${JSON.stringify(changes.map(toRow))}::jsonb) as c (ref text, bucket_id text, bytes bigint)
        where c.ref = u.ref and c.bucket_id = u.bucket_id), 0),
      objects = greatest(u.objects + (
        select c.objects from jsonb_to_recordset(${JSON.stringify(changes.map(toRow))}::jsonb) as c (ref text, bucket_id text, objects bigint)
        where c.ref = u.ref and c.bucket_id = u.bucket_id), 0),
      changed_at = now()`.execute(tx)
}

function toRow({ ref, bucketId, bytes, objects }: UsageChange) {
  return { ref, bucket_id: bucketId, bytes, objects }
}

/** Takes the buckets that changed since they were last swept (or all), long enough ago that no upload to them can still be going on. */
export async function claimUnsweptBuckets(
  tx: PlatformDatabase,
  options: { settledSeconds: number; isEverything: boolean },
): Promise<{ ref: string; bucketId: string }[]> {
  const { settledSeconds, isEverything } = options
  // A process that dies may not have written down its last change: what changed is looked through for a day, and everything once a week.
  const isDue = sql<boolean>`${isEverything} or swept_at is null or changed_at > swept_at - interval '1 day' or swept_at < now() - interval '7 days'`
  const rows = await tx
    .updateTable('storage_usage')
    .set({ swept_at: sql<Date>`now()` })
    .where(isDue)
    .where('changed_at', '<=', sql<Date>`now() - make_interval(secs => ${settledSeconds})`)
    .returning(['ref', 'bucket_id'])
    .execute()
  return rows.map((row) => ({ ref: row.ref, bucketId: row.bucket_id }))
}

/** What a sweep found to be there; nothing where the bucket is gone. */
export async function setStorageUsage(tx: PlatformDatabase, ref: string, usage: BucketUsage, isGone: boolean): Promise<void> {
  const { bucketId, bytes, objects } = usage
  if (isGone) {
    await tx.deleteFrom('storage_usage').where('ref', '=', ref).where('bucket_id', '=', bucketId).execute()
    return
  }
  await tx.updateTable('storage_usage').set({ bytes, objects }).where('ref', '=', ref).where('bucket_id', '=', bucketId).execute()
}
