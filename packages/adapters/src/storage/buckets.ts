import { isBucketName, ServiceError, type Bucket, type CreateBucket, type UpdateBucket } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { ownerOf } from './owner.ts'
import {
  deleteBucket,
  insertBucket,
  selectBucket,
  selectBuckets,
  updateBucket,
  type BucketListing,
  type BucketRow,
} from './queries/buckets.ts'
import { deleteSomeObjects, hasObjects, type ObjectRow } from './queries/objects.ts'
import { toJsonRows } from './queries/statement.ts'
import { removeVersions } from './remove-versions.ts'
import type { StorageParts } from './storage-parts.ts'
import { toBucketPrefix } from './stored-keys.ts'
import { toDate, toStoredFile } from './stored-object.ts'

export async function createBucket(parts: StorageParts, project: ProjectScope, input: CreateBucket): Promise<Bucket> {
  const name = input.name.trim()
  if (!isBucketName(name)) throw new ServiceError('storage.bucket_name_invalid')
  const { owner, ownerId } = ownerOf(project.caller)
  const { isPublic = false, fileSizeLimit = null, allowedMimeTypes = null } = input
  requireLimit(project, fileSizeLimit)
  await translated(project.db.asCaller(insertBucket({ id: name, owner, ownerId, isPublic, fileSizeLimit, allowedMimeTypes })))
  parts.buckets.forget(project.ref, name)
  parts.usage.add(project.ref, name, 0, 0)
  const now = new Date()
  return {
    id: name,
    ownerId,
    isPublic,
    fileSizeLimit,
    allowedMimeTypes: allowedMimeTypes && [...allowedMimeTypes],
    createdAt: now,
    updatedAt: now,
  }
}

/** Throws `storage.bucket_not_found`, also where the caller may not see it. */
export async function getBucket(project: ProjectScope, id: string): Promise<Bucket> {
  const { rows } = await translated(project.db.asCaller(selectBucket(id)))
  const [row] = toJsonRows<BucketRow>(rows)
  if (row === undefined) throw new ServiceError('storage.bucket_not_found')
  return toBucket(row)
}

export async function listBuckets(project: ProjectScope, listing: BucketListing = {}): Promise<Bucket[]> {
  const { rows } = await translated(project.db.asCaller(selectBuckets(listing)))
  return toJsonRows<BucketRow>(rows).map(toBucket)
}

export async function changeBucket(parts: StorageParts, project: ProjectScope, { name, ...changes }: UpdateBucket): Promise<Bucket> {
  requireLimit(project, changes.fileSizeLimit ?? null)
  const { rows } = await translated(project.db.asCaller(updateBucket(name, changes)))
  parts.buckets.forget(project.ref, name)
  const [row] = toJsonRows<BucketRow>(rows)
  if (row === undefined) throw new ServiceError('storage.bucket_not_found')
  return toBucket(row)
}

/** Deletes what the caller may delete of it, a thousand objects at a time; answers how many there were. */
export async function emptyBucket(parts: StorageParts, project: ProjectScope, id: string): Promise<number> {
  await getBucket(project, id)
  for (let count = 0; ;) {
    const { rows } = await translated(project.db.asCaller(deleteSomeObjects(id)))
    const files = toJsonRows<ObjectRow>(rows).map(toStoredFile)
    count += files.length
    parts.usage.add(project.ref, id, -files.reduce((sum, { bytes }) => sum + bytes, 0), -files.length)
    removeVersions(parts, project.ref, files)
    if (files.length < 1000) return count
  }
}

/** Throws `storage.bucket_not_empty` while there is anything in it. */
export async function removeBucket(parts: StorageParts, project: ProjectScope, id: string): Promise<void> {
  await getBucket(project, id)
  const [isUsed] = toJsonRows<boolean>((await translated(project.db.asService(hasObjects(id)))).rows)
  if (isUsed) throw new ServiceError('storage.bucket_not_empty')
  const { rows } = await translated(project.db.asCaller(deleteBucket(id)))
  if (rows.length === 0) throw new ServiceError('storage.access_denied', { message: 'Access denied' })
  parts.buckets.forget(project.ref, id)
  parts.usage.add(project.ref, id, 0, 0)
  await parts.objects.deleteAll(toBucketPrefix(project.ref, id))
}

function requireLimit(project: ProjectScope, fileSizeLimit: number | null): void {
  if ((fileSizeLimit ?? 0) > project.configuration.storage.fileSizeLimit) {
    throw new ServiceError('storage.object_too_large', { message: 'The object exceeded the maximum allowed size' })
  }
}

function toBucket(row: BucketRow): Bucket {
  return {
    id: row.id,
    ownerId: row.owner_id ?? row.owner,
    isPublic: row.public === true,
    fileSizeLimit: row.file_size_limit,
    allowedMimeTypes: row.allowed_mime_types,
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  }
}
