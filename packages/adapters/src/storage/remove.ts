import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { deleteObjects, selectNames, selectObject, type ObjectRow } from './queries/objects.ts'
import { toJsonRows, type StorageOperation } from './queries/statement.ts'
import type { ObjectName } from './read.ts'
import { removeVersions } from './remove-versions.ts'
import type { StorageParts } from './storage-parts.ts'
import { toStoredFile, type StoredFile } from './stored-object.ts'

/** Deletes those that there are and that the caller may delete; answers them. */
export async function removeObjects(
  parts: StorageParts,
  project: ProjectScope,
  bucket: string,
  names: readonly string[],
  operation: StorageOperation = 'storage.object.delete_many',
): Promise<StoredFile[]> {
  const { rows } = await translated(project.db.asCaller(deleteObjects(bucket, names, operation)))
  const files = toJsonRows<ObjectRow>(rows).map(toStoredFile)
  parts.usage.add(project.ref, bucket, -files.reduce((sum, { bytes }) => sum + bytes, 0), -files.length)
  removeVersions(parts, project.ref, files)
  return files
}

/** The same; answers the names that are still there. */
export async function removeAll(parts: StorageParts, project: ProjectScope, bucket: string, names: readonly string[]): Promise<string[]> {
  const removed = new Set((await removeObjects(parts, project, bucket, names)).map(({ name }) => name))
  const left = names.filter((name) => !removed.has(name))
  if (left.length === 0) return []
  const { rows } = await translated(project.db.asService(selectNames(bucket, left, 'storage.object.delete_many')))
  return toJsonRows<string>(rows)
}

/** Throws `storage.object_not_found` where there is none, and `storage.access_denied` where the caller may not delete it. */
export async function removeObject(parts: StorageParts, project: ProjectScope, { bucket, name }: ObjectName): Promise<void> {
  const removed = await removeObjects(parts, project, bucket, [name], 'storage.object.delete')
  if (removed.length > 0) return
  const { rows } = await translated(project.db.asService(selectObject(bucket, name, 'storage.object.delete')))
  throw rows.length === 0
    ? new ServiceError('storage.object_not_found')
    : new ServiceError('storage.access_denied', { message: 'Access denied' })
}
