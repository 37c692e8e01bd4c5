import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { isObjectName, ServiceError } from '@polder/core'
import type { CallerResult, CallerStatement, Keep, ProjectScope } from '@polder/db'
import { BodyMeter } from './body-meter.ts'
import { translated } from './database-error.ts'
import { isAllowedType } from './mime-type.ts'
import { ownerOf, toOwner } from './owner.ts'
import type { BucketRow } from './queries/buckets.ts'
import { insertObject, upsertObject, type ObjectRow, type ObjectValues } from './queries/objects.ts'
import { toJsonRows, type StorageOperation } from './queries/statement.ts'
import { readSmall, SMALL_BYTES } from './read-head.ts'
import { removeVersions } from './remove-versions.ts'
import type { StorageParts } from './storage-parts.ts'
import { toVersionKey } from './stored-keys.ts'
import { toFileMetadata, toStoredFile, type FileMetadata } from './stored-object.ts'

/** What a new object is to be, apart from its bytes. */
export interface NewObject {
  bucket: string
  name: string
  type: string
  cacheControl: string
  userMetadata?: Record<string, unknown> | undefined
  /** Replaces an object of the name. */
  isUpsert: boolean
  operation?: StorageOperation | undefined
  /** Judged before, when a link for it was signed; then this is whose the object will be. */
  signedFor?: { ownerId: string | null } | undefined
}

export interface UploadInput extends NewObject {
  body: Readable | Buffer
  /** As declared; a body that is larger is refused. */
  bytes?: number | undefined
  /** The tag by which S3 tools compare files. */
  etag?: 'sha256' | 'md5' | undefined
  /** Sees each chunk, before it is kept. */
  onChunk?: ((chunk: Buffer) => void) | undefined
  /** Called with all bytes kept, and before anybody can see them; what it throws takes them back. */
  check?: (() => void) | undefined
}

export interface UploadedObject {
  id: string
  bucket: string
  name: string
  version: string
  metadata: FileMetadata
}

/**
 * Keeps an object. Row-level security judges first, by the very statement that will be run. A small body waits in memory for that, and is
 * stored inside of the transaction; for a large one the statement is tried and taken back, and run again when its bytes are safe. The row is
 * committed last: until then nobody sees the new bytes, and after it nobody loses them.
 */
export async function uploadObject(parts: StorageParts, project: ProjectScope, input: UploadInput): Promise<UploadedObject> {
  const bucket = await requireUploadable(parts, project, input)
  const isPlaceholder = input.name.endsWith('.emptyFolderPlaceholder')
  const limit = isPlaceholder ? 0 : toLimit(project, bucket)
  if (input.bytes !== undefined && input.bytes > limit) throw new ServiceError('storage.object_too_large')
  const remaining = await parts.usage.readRemaining(project, input.bucket)
  if (remaining <= 0 || (input.bytes ?? 0) > remaining) throw new ServiceError('storage.quota_exceeded')
  const tooLarge = () => new ServiceError(remaining < limit ? 'storage.quota_exceeded' : 'storage.object_too_large')
  const meter = new BodyMeter(Math.min(limit, remaining), input.etag ?? 'sha256', input.onChunk ? [input.onChunk] : [], tooLarge)
  const small = await findSmallBody(input)
  if (small === undefined) return await uploadLarge(parts, project, input, meter)
  meter.take(small)
  input.check?.()
  const version = randomUUID()
  const key = toVersionKey(project.ref, input.bucket, version)!
  const metadata = toFileMetadata({ ...input, etag: meter.toEtag(), bytes: meter.bytes })
  try {
    return await writeRow(parts, project, input, version, metadata, async () => {
      await parts.objects.put(key, small)
      return true
    })
  } catch (error) {
    await takeBack(parts, key)
    throw error
  }
}

async function uploadLarge(parts: StorageParts, project: ProjectScope, input: UploadInput, meter: BodyMeter): Promise<UploadedObject> {
  const version = randomUUID()
  const key = toVersionKey(project.ref, input.bucket, version)!
  await judgeUpload(project, input)
  // So that a sweep looks here if we do not come to the end.
  parts.usage.add(project.ref, input.bucket, 0, 0)
  try {
    await parts.objects.put(key, input.body, { onChunk: meter.take, ...(input.bytes !== undefined && { bytes: input.bytes }) })
    input.check?.()
    const metadata = toFileMetadata({ ...input, etag: meter.toEtag(), bytes: meter.bytes })
    return await writeRow(parts, project, input, version, metadata)
  } catch (error) {
    await takeBack(parts, key)
    throw error
  }
}

/** The bucket, when the object could be put there as far as names and types go. */
export async function requireUploadable(parts: StorageParts, project: ProjectScope, input: NewObject): Promise<BucketRow> {
  if (!isObjectName(input.name)) throw new ServiceError('storage.object_name_invalid', { message: `Invalid key: ${input.name}` })
  const bucket = await parts.buckets.get(project, input.bucket)
  const isPlaceholder = input.name.endsWith('.emptyFolderPlaceholder')
  if (!isPlaceholder && !isAllowedType(input.type, bucket.allowed_mime_types)) {
    throw new ServiceError('storage.type_refused', { message: `mime type ${input.type} is not supported` })
  }
  return bucket
}

/** Most bytes of an object of the bucket. */
export function toLimit(project: ProjectScope, bucket: Pick<BucketRow, 'file_size_limit'>): number {
  return Math.min(project.configuration.storage.fileSizeLimit, bucket.file_size_limit ?? Infinity)
}

/** Asks row-level security whether the caller may put the object there; nothing is changed. */
export async function judgeUpload(project: ProjectScope, input: NewObject & { bytes?: number | undefined }): Promise<void> {
  if (input.signedFor) return
  const metadata = { mimetype: input.type, ...(input.bytes !== undefined && { contentLength: input.bytes, size: input.bytes }) }
  const statement = toWrite(input, toValues(project, input, randomUUID(), metadata))
  await translated(project.db.asCaller(statement, () => false))
}

/** Writes the row that makes a version visible; `keep` runs inside of its transaction. What the row had before is removed afterwards. */
export async function writeRow(
  parts: StorageParts,
  project: ProjectScope,
  input: NewObject,
  version: string,
  metadata: FileMetadata,
  keep?: Keep,
): Promise<UploadedObject> {
  const values = toValues(project, input, version, metadata)
  const { rows } = await translated(run(project, input, toWrite(input, values), keep))
  const [answer] = toJsonRows<{ id: string; old: ObjectRow | null }>(rows)
  const old = answer?.old ? toStoredFile(answer.old) : undefined
  parts.usage.add(project.ref, input.bucket, metadata.size - (old?.bytes ?? 0), old ? 0 : 1)
  if (old) removeVersions(parts, project.ref, [old])
  return { id: answer?.id ?? values.id, bucket: input.bucket, name: input.name, version, metadata }
}

function run(project: ProjectScope, input: NewObject, statement: CallerStatement, keep?: Keep): Promise<CallerResult> {
  return input.signedFor ? project.db.asService(statement, keep) : project.db.asCaller(statement, keep)
}

function toWrite(input: NewObject, values: ObjectValues): CallerStatement {
  const operation = input.operation ?? 'storage.object.upload'
  return input.isUpsert ? upsertObject(values, operation) : insertObject(values, operation)
}

function toValues(project: ProjectScope, input: NewObject, version: string, metadata: object): ObjectValues {
  const owner = input.signedFor ? toOwner(input.signedFor.ownerId) : ownerOf(project.caller)
  return {
    id: randomUUID(),
    bucket: input.bucket,
    name: input.name,
    ...owner,
    version,
    metadata: JSON.stringify(metadata),
    userMetadata: input.userMetadata === undefined ? null : JSON.stringify(input.userMetadata),
  }
}

async function findSmallBody({ body, bytes }: UploadInput): Promise<Buffer | undefined> {
  if (Buffer.isBuffer(body)) return body
  return bytes !== undefined && bytes > SMALL_BYTES ? undefined : readSmall(body)
}

/** Bytes that no row will ever name. What cannot be removed now is found by the sweep. */
async function takeBack(parts: StorageParts, key: string): Promise<void> {
  await parts.objects.delete([key]).catch((cause: unknown) => parts.observe({ kind: 'error', code: 'storage.store_unavailable', cause }))
}
