import { createHash, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { BodyMeter } from './body-meter.ts'
import { translated } from './database-error.ts'
import { ownerOf } from './owner.ts'
import {
  deleteMultipart,
  insertMultipart,
  selectMultipart,
  selectMultiparts,
  selectParts,
  upsertPart,
  type MultipartRow,
  type PartRow,
} from './queries/multipart.ts'
import { toJsonRows } from './queries/statement.ts'
import { getObject, openBytes, type ObjectName } from './read.ts'
import type { StorageParts } from './storage-parts.ts'
import { toUploadPrefix, toVersionKey } from './stored-keys.ts'
import { toFileMetadata } from './stored-object.ts'
import { judgeUpload, requireUploadable, toLimit, writeRow, type NewObject, type UploadedObject } from './upload.ts'

/** An S3 upload in numbered parts, which may come in any order and more than once. */
export interface MultipartUpload {
  id: string
  bucket: string
  name: string
  createdAt: Date
}

export interface MultipartPart {
  number: number
  bytes: number
  etag: string
  modifiedAt: Date
}

const MAX_PARTS = 10_000
const ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

export async function createMultipart(parts: StorageParts, project: ProjectScope, object: NewObject): Promise<MultipartUpload> {
  await requireUploadable(parts, project, object)
  await judgeUpload(project, object)
  const id = randomUUID()
  const { type, cacheControl, userMetadata = null, bucket, name } = object
  const { ownerId } = ownerOf(project.caller)
  const row = { id, bucket_id: bucket, key: name, owner_id: ownerId, metadata: { type, cacheControl }, user_metadata: userMetadata }
  await translated(project.db.asService(insertMultipart(row)))
  return { id, bucket, name, createdAt: new Date() }
}

export interface PartInput {
  object: ObjectName
  uploadId: string
  number: number
  body: Readable | Buffer
  bytes?: number | undefined
  onChunk?: ((chunk: Buffer) => void) | undefined
  check?: (() => void) | undefined
}

/** Keeps a part; one of the same number is replaced. Answers its tag. */
export async function putPart(parts: StorageParts, project: ProjectScope, input: PartInput): Promise<string> {
  if (!Number.isInteger(input.number) || input.number < 1 || input.number > MAX_PARTS) {
    throw new ServiceError('storage.part_invalid', { message: `Part number must be an integer between 1 and ${MAX_PARTS}` })
  }
  const upload = await findUpload(project, input.object, input.uploadId)
  const bucket = await parts.buckets.get(project, upload.bucket_id)
  const limit = Math.min(toLimit(project, bucket), await parts.usage.readRemaining(project, upload.bucket_id))
  if ((input.bytes ?? 0) > limit) throw new ServiceError('storage.object_too_large')
  const meter = new BodyMeter(limit, 'md5', input.onChunk ? [input.onChunk] : [])
  const version = randomUUID()
  const key = toPartKey(project, upload.id, input.number, version)
  try {
    await parts.objects.put(key, input.body, { onChunk: meter.take })
    input.check?.()
    const etag = meter.toEtag()
    const statement = upsertPart(upload, { part_number: input.number, size: meter.bytes, etag, version })
    const [[old] = []] = toJsonRows<(string | null)[]>((await translated(project.db.asService(statement))).rows)
    if (old) void parts.objects.delete([toPartKey(project, upload.id, input.number, old)]).catch(() => {})
    return etag
  } catch (error) {
    await parts.objects.delete([key]).catch(() => {})
    throw error
  }
}

/** A part from an object that the caller may read, or from some of its bytes. */
export async function copyPart(
  parts: StorageParts,
  project: ProjectScope,
  input: {
    object: ObjectName
    uploadId: string
    number: number
    from: ObjectName
    toSpan?: (bytes: number) => { first: number; last: number }
  },
): Promise<{ etag: string; modifiedAt: Date }> {
  const source = await getObject(project, 'caller', input.from)
  const opened = await openBytes(parts, project, source, input.toSpan?.(source.bytes))
  const etag = await putPart(parts, project, { ...input, body: opened.body })
  return { etag, modifiedAt: new Date() }
}

/** Makes the parts that the client names one object, and shows it. */
export async function completeMultipart(
  parts: StorageParts,
  project: ProjectScope,
  object: ObjectName,
  uploadId: string,
  wanted: readonly { number: number; etag: string }[],
): Promise<UploadedObject & { etag: string }> {
  const upload = await findUpload(project, object, uploadId)
  const stored = new Map((await readParts(project, uploadId, 0, MAX_PARTS)).map((part) => [part.part_number, part]))
  const chosen = wanted.map(({ number, etag }, index) => {
    const part = stored.get(number)
    const isNext = index === 0 || wanted[index - 1]!.number < number
    if (part === undefined || !isNext || bare(part.etag) !== bare(etag)) throw new ServiceError('storage.part_invalid')
    return part
  })
  if (chosen.length === 0) throw new ServiceError('storage.part_invalid', { message: 'At least one part is needed.' })
  const target: NewObject = {
    ...object,
    type: upload.metadata?.type ?? 'application/octet-stream',
    cacheControl: upload.metadata?.cacheControl ?? 'no-cache',
    userMetadata: upload.user_metadata ?? undefined,
    isUpsert: true,
  }
  const bucket = await requireUploadable(parts, project, target)
  const bytes = chosen.reduce((sum, { size }) => sum + size, 0)
  if (bytes > toLimit(project, bucket)) throw new ServiceError('storage.object_too_large')
  if (bytes > (await parts.usage.readRemaining(project, object.bucket))) throw new ServiceError('storage.quota_exceeded')
  const version = randomUUID()
  const key = toVersionKey(project.ref, object.bucket, version)!
  const keys = chosen.map((part) => toPartKey(project, uploadId, part.part_number, part.version))
  try {
    await parts.objects.join(keys, key)
    const etag = toMultipartEtag(chosen)
    const made = await writeRow(parts, project, target, version, toFileMetadata({ ...target, etag, bytes }))
    await discard(parts, project, uploadId)
    return { ...made, etag }
  } catch (error) {
    await parts.objects.delete([key]).catch(() => {})
    throw error
  }
}

export async function abortMultipart(parts: StorageParts, project: ProjectScope, object: ObjectName, uploadId: string): Promise<void> {
  await findUpload(project, object, uploadId)
  await discard(parts, project, uploadId)
}

export interface MultipartPage {
  uploads: MultipartUpload[]
  hasNext: boolean
}

export async function listMultiparts(
  project: ProjectScope,
  input: { bucket: string; prefix: string; afterKey: string; afterId: string; limit: number },
): Promise<MultipartPage> {
  const { bucket, prefix, afterKey: key, afterId: id, limit } = input
  const ownerId = isService(project) ? null : (ownerOf(project.caller).ownerId ?? '')
  const { rows } = await translated(project.db.asService(selectMultiparts(bucket, prefix, { key, id }, ownerId, limit + 1)))
  const uploads = toJsonRows<MultipartRow>(rows).map((row) => ({
    id: row.id,
    bucket: row.bucket_id,
    name: row.key,
    createdAt: new Date(row.created_at),
  }))
  return { uploads: uploads.slice(0, limit), hasNext: uploads.length > limit }
}

export async function listParts(
  project: ProjectScope,
  input: { object: ObjectName; uploadId: string; after: number; limit: number },
): Promise<{ parts: MultipartPart[]; hasNext: boolean }> {
  await findUpload(project, input.object, input.uploadId)
  const rows = await readParts(project, input.uploadId, input.after, input.limit + 1)
  const found = rows.map((row) => ({ number: row.part_number, bytes: row.size, etag: row.etag, modifiedAt: new Date(row.created_at) }))
  return { parts: found.slice(0, input.limit), hasNext: found.length > input.limit }
}

/** Throws `storage.upload_not_found`, also for an upload of another user or another object. */
async function findUpload(project: ProjectScope, object: ObjectName, id: string): Promise<MultipartRow> {
  const { rows } = ID.test(id) ? await translated(project.db.asService(selectMultipart(id))) : { rows: [] }
  const [row] = toJsonRows<MultipartRow>(rows)
  const isOwn = row !== undefined && (isService(project) || row.owner_id === ownerOf(project.caller).ownerId)
  if (!isOwn || row.bucket_id !== object.bucket || row.key !== object.name) throw new ServiceError('storage.upload_not_found')
  return row
}

async function readParts(project: ProjectScope, uploadId: string, after: number, limit: number): Promise<PartRow[]> {
  return toJsonRows<PartRow>((await translated(project.db.asService(selectParts(uploadId, after, limit)))).rows)
}

async function discard(parts: StorageParts, project: ProjectScope, uploadId: string): Promise<void> {
  await translated(project.db.asService(deleteMultipart(uploadId)))
  await parts.objects.deleteAll(toUploadPrefix(project.ref, uploadId))
}

function isService({ caller }: ProjectScope): boolean {
  return caller.kind === 'member' || caller.role === 'service_role'
}

function toPartKey(project: ProjectScope, uploadId: string, number: number, version: string): string {
  // Rows of the project may hold anything; a key takes only what we made.
  if (!ID.test(version)) throw new ServiceError('storage.part_missing')
  return `${toUploadPrefix(project.ref, uploadId)}part-${number}-${version}`
}

const bare = (etag: string): string => etag.replaceAll('"', '')

/** As S3 has it: the MD5 of the parts' MD5s, and how many there are. */
function toMultipartEtag(chosen: readonly PartRow[]): string {
  const hash = createHash('md5')
  for (const { etag } of chosen) hash.update(Buffer.from(bare(etag), 'hex'))
  return `"${hash.digest('hex')}-${chosen.length}"`
}
