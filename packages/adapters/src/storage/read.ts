import { isObjectName, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { ByteSpan, OpenedObject } from '../object-store/index.ts'
import { translated } from './database-error.ts'
import { selectNames, selectObject, selectPublicObject, type ObjectRow } from './queries/objects.ts'
import { toJsonRows, type StorageOperation } from './queries/statement.ts'
import type { StorageParts } from './storage-parts.ts'
import { toVersionKey } from './stored-keys.ts'
import { toStoredFile, type StoredFile } from './stored-object.ts'

export interface ObjectName {
  bucket: string
  name: string
}

/**
 * Who lets the object be seen: row-level security for the caller (`caller`), that and whether its bucket is public (`caller_or_public`), the
 * bucket's being public (`public`), or a link that was signed for it (`link`).
 */
export type ReadDoor = 'caller' | 'caller_or_public' | 'public' | 'link'

/** Throws `storage.object_not_found`, also where the caller may not see it, and `storage.bucket_not_found`. */
export async function getObject(project: ProjectScope, door: ReadDoor, { bucket, name }: ObjectName): Promise<StoredFile> {
  if (!isObjectName(name)) throw new ServiceError('storage.object_name_invalid', { message: `Invalid key: ${name}` })
  if (door === 'public') return getPublicObject(project, { bucket, name })
  const statement = selectObject(bucket, name, door === 'link' ? 'storage.object.sign' : 'storage.object.get_authenticated')
  const { rows } = await translated(door === 'link' ? project.db.asService(statement) : project.db.asCaller(statement))
  const [row] = toJsonRows<ObjectRow>(rows)
  if (row !== undefined) return toStoredFile(row)
  if (door !== 'caller_or_public') throw new ServiceError('storage.object_not_found')
  const { rows: publicRows } = await translated(project.db.asService(selectPublicObject(bucket, name)))
  const found = publicRows[0]?.[0]
  if (!found) throw new ServiceError('storage.object_not_found')
  return toStoredFile(JSON.parse(found.toString()) as ObjectRow)
}

async function getPublicObject(project: ProjectScope, { bucket, name }: ObjectName): Promise<StoredFile> {
  const { rows } = await translated(project.db.asService(selectPublicObject(bucket, name)))
  if (rows.length === 0) throw new ServiceError('storage.bucket_not_found')
  const found = rows[0]?.[0]
  if (!found) throw new ServiceError('storage.object_not_found')
  return toStoredFile(JSON.parse(found.toString()) as ObjectRow)
}

/** Which of the names the caller may see. */
export async function findNames(
  project: ProjectScope,
  bucket: string,
  names: readonly string[],
  operation: StorageOperation,
): Promise<Set<string>> {
  const { rows } = await translated(project.db.asCaller(selectNames(bucket, names, operation)))
  return new Set(toJsonRows<string>(rows))
}

/** The bytes of an object, or some of them. Throws `storage.object_not_found` where they are gone. */
export async function openBytes(parts: StorageParts, project: ProjectScope, file: StoredFile, span?: ByteSpan): Promise<OpenedObject> {
  const key = toVersionKey(project.ref, file.bucket, file.version)
  const opened = key === undefined ? undefined : await parts.objects.open(key, span)
  if (opened === undefined) throw new ServiceError('storage.object_not_found')
  return opened
}
