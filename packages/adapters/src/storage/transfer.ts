import { randomUUID } from 'node:crypto'
import { isObjectName, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { ownerOf } from './owner.ts'
import { updateObjectName, type ObjectRow } from './queries/objects.ts'
import { toJsonRows } from './queries/statement.ts'
import { getObject, type ObjectName } from './read.ts'
import { removeVersions } from './remove-versions.ts'
import type { StorageParts } from './storage-parts.ts'
import { toVersionKey } from './stored-keys.ts'
import { toStoredFile, type StoredFile } from './stored-object.ts'
import { requireUploadable, writeRow, type UploadedObject } from './upload.ts'

export interface CopyInput {
  from: ObjectName
  to: ObjectName
  isUpsert: boolean
  /** Absent to keep what the source has. */
  type?: string | undefined
  cacheControl?: string | undefined
  /** Takes the place of the source's; absent to keep it. */
  userMetadata?: Record<string, unknown> | undefined
  /** Whether the source is still what the caller thinks it is. Throws when not. */
  check?: ((source: StoredFile) => void) | undefined
}

/** Copies an object that the caller may read to where the caller may write. */
export async function copyObject(parts: StorageParts, project: ProjectScope, input: CopyInput): Promise<UploadedObject> {
  const source = await getObject(project, 'caller', input.from)
  input.check?.(source)
  const target = {
    ...input.to,
    isUpsert: input.isUpsert,
    type: input.type ?? source.type,
    cacheControl: input.cacheControl ?? source.cacheControl,
    userMetadata: input.userMetadata ?? source.userMetadata ?? undefined,
    operation: 'storage.object.copy' as const,
  }
  await requireUploadable(parts, project, target)
  if (source.bytes > (await parts.usage.readRemaining(project, input.to.bucket))) throw new ServiceError('storage.quota_exceeded')
  const version = randomUUID()
  const from = toVersionKey(project.ref, source.bucket, source.version)
  const to = toVersionKey(project.ref, input.to.bucket, version)!
  const metadata = {
    ...source.metadata,
    eTag: source.etag,
    size: source.bytes,
    contentLength: source.bytes,
    mimetype: target.type,
    cacheControl: target.cacheControl,
    lastModified: new Date().toISOString(),
    httpStatusCode: 200,
  }
  return await writeRow(parts, project, target, version, metadata, () => copyBytes(parts, from, to))
}

/** Gives an object another name, or another bucket. Throws `storage.object_exists` rather than replace one. */
export async function moveObject(parts: StorageParts, project: ProjectScope, from: ObjectName, to: ObjectName): Promise<StoredFile> {
  if (!isObjectName(to.name)) throw new ServiceError('storage.object_name_invalid', { message: `Invalid key: ${to.name}` })
  const source = await getObject(project, 'caller', from)
  if (from.bucket === to.bucket && from.name === to.name) return source
  // Bytes lie by bucket and version: a new name alone does not move them.
  const version = from.bucket === to.bucket ? undefined : randomUUID()
  await requireUploadable(parts, project, { ...to, type: source.type, cacheControl: source.cacheControl, isUpsert: false })
  const { owner, ownerId } = ownerOf(project.caller)
  const statement = updateObjectName({ ...from, toBucket: to.bucket, toName: to.name, version, owner, ownerId })
  const oldKey = toVersionKey(project.ref, source.bucket, source.version)
  const { rows } = await translated(
    project.db.asCaller(statement, async (result) => {
      if (result.rows.length === 0) return false
      return version === undefined || copyBytes(parts, oldKey, toVersionKey(project.ref, to.bucket, version)!)
    }),
  )
  const [answer] = toJsonRows<{ id: string; old: ObjectRow }>(rows)
  if (answer === undefined) throw new ServiceError('storage.access_denied', { message: 'Access denied' })
  const old = toStoredFile(answer.old)
  if (version !== undefined) {
    parts.usage.add(project.ref, from.bucket, -old.bytes, -1)
    parts.usage.add(project.ref, to.bucket, old.bytes, 1)
    removeVersions(parts, project.ref, [old])
  }
  return { ...old, bucket: to.bucket, name: to.name, version: version ?? old.version }
}

async function copyBytes(parts: StorageParts, from: string | undefined, to: string): Promise<boolean> {
  if (from === undefined || !(await parts.objects.copy(from, to))) throw new ServiceError('storage.object_not_found')
  return true
}
