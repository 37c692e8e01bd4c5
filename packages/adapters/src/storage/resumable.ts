import { randomBytes, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { OpenedObject } from '../object-store/index.ts'
import { BodyMeter } from './body-meter.ts'
import { ownerOf } from './owner.ts'
import type { StorageParts } from './storage-parts.ts'
import { toUploadPrefix, toVersionKey } from './stored-keys.ts'
import { toFileMetadata } from './stored-object.ts'
import { judgeUpload, requireUploadable, toLimit, writeRow, type NewObject, type UploadedObject } from './upload.ts'

/** An upload that comes in pieces, over requests and restarts. What is known of it lies beside its pieces, in the object store. */
export interface ResumableUpload {
  id: string
  object: NewObject
  /** Null until the client says it. */
  size: number | null
  /** How much has come. */
  offset: number
  createdAt: string
  isFinished: boolean
}

/** As it is kept. */
interface UploadRecord extends Omit<ResumableUpload, 'id' | 'offset'> {
  /** Whose it is: the user of the token that it began with. */
  ownerId: string | null
}

const ID = /^[0-9a-f]{40}$/

/** Begins one, when row-level security lets the caller put the object there. */
export async function createResumable(
  parts: StorageParts,
  project: ProjectScope,
  object: NewObject,
  size: number | null,
): Promise<ResumableUpload> {
  const limit = await readResumableLimit(parts, project, object)
  if ((size ?? 0) > limit) throw new ServiceError('storage.object_too_large')
  if ((size ?? 1) > (await parts.usage.readRemaining(project, object.bucket))) throw new ServiceError('storage.quota_exceeded')
  await judgeUpload(project, { ...object, bytes: size ?? undefined })
  const id = randomBytes(20).toString('hex')
  const createdAt = new Date().toISOString()
  await writeRecord(parts, project, id, { object, size, createdAt, isFinished: false, ownerId: ownerOf(project.caller).ownerId })
  return { id, object, size, offset: 0, createdAt, isFinished: false }
}

/** Most bytes that the object may have. Throws where it could not be put there at all. */
export async function readResumableLimit(parts: StorageParts, project: ProjectScope, object: NewObject): Promise<number> {
  return toLimit(project, await requireUploadable(parts, project, object))
}

/** Throws `storage.upload_not_found`, also for the upload of another user. */
export async function getResumable(parts: StorageParts, project: ProjectScope, id: string): Promise<ResumableUpload> {
  const { ownerId, ...record } = await readRecord(parts, project, id)
  const isOwn = record.object.signedFor !== undefined || isService(project) || ownerOf(project.caller).ownerId === ownerId
  if (!isOwn) throw new ServiceError('storage.upload_not_found')
  if (record.isFinished) return { id, ...record, offset: record.size ?? 0 }
  const pieces = await listPieces(parts, project, id)
  return { id, ...record, offset: pieces.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** Says how large an upload will be that began without. */
export async function setResumableSize(parts: StorageParts, project: ProjectScope, id: string, size: number): Promise<void> {
  await writeRecord(parts, project, id, { ...(await readRecord(parts, project, id)), size })
}

/** Keeps what the body gives as the piece at this offset; a body that breaks off has given a shorter one. Answers the new offset. */
export async function appendResumable(
  parts: StorageParts,
  project: ProjectScope,
  upload: Pick<ResumableUpload, 'id'>,
  offset: number,
  body: Readable,
  onChunk?: (chunk: Buffer) => void,
): Promise<number> {
  const bytes = await parts.objects.put(`${toUploadPrefix(project.ref, upload.id)}${toPlace(offset)}`, body, onChunk && { onChunk })
  if (bytes === 0) await dropResumablePiece(parts, project, upload.id, offset)
  return offset + bytes
}

export async function dropResumablePiece(parts: StorageParts, project: ProjectScope, id: string, offset: number): Promise<void> {
  await parts.objects.delete([`${toUploadPrefix(project.ref, id)}${toPlace(offset)}`])
}

/** Makes the pieces one object, and shows it. Repeated, it does nothing more. */
export async function finishResumable(parts: StorageParts, project: ProjectScope, id: string): Promise<UploadedObject | undefined> {
  const record = await readRecord(parts, project, id)
  if (record.isFinished) return undefined
  const { object } = record
  const bucket = await requireUploadable(parts, project, object)
  const pieces = await listPieces(parts, project, id)
  const meter = new BodyMeter(toLimit(project, bucket), 'sha256')
  const version = randomUUID()
  const key = toVersionKey(project.ref, object.bucket, version)!
  try {
    if (pieces.length === 0) await parts.objects.put(key, Buffer.alloc(0))
    else
      await parts.objects.join(
        pieces.map((piece) => piece.key),
        key,
        { onChunk: meter.take },
      )
    const metadata = toFileMetadata({ ...object, etag: meter.toEtag(), bytes: meter.bytes })
    const made = await writeRow(parts, project, object, version, metadata)
    // Kept until it expires: a client that missed the answer asks again, and hears that all is there.
    await writeRecord(parts, project, id, { ...record, size: meter.bytes, isFinished: true })
    await parts.objects.delete(pieces.map((piece) => piece.key))
    return made
  } catch (error) {
    await parts.objects.delete([key]).catch(() => {})
    throw error
  }
}

export async function removeResumable(parts: StorageParts, project: ProjectScope, id: string): Promise<void> {
  const upload = await getResumable(parts, project, id)
  if (upload.isFinished) throw new ServiceError('storage.upload_not_found')
  await parts.objects.deleteAll(toUploadPrefix(project.ref, id))
}

function isService({ caller }: ProjectScope): boolean {
  return caller.kind === 'member' || caller.role === 'service_role'
}

/** Those that follow each other from the beginning. */
async function listPieces(parts: StorageParts, project: ProjectScope, id: string): Promise<{ key: string; bytes: number }[]> {
  const prefix = toUploadPrefix(project.ref, id)
  const found = new Map<string, number>()
  for await (const { key, bytes } of parts.objects.list(prefix)) found.set(key, bytes)
  const pieces: { key: string; bytes: number }[] = []
  for (let offset = 0; ;) {
    const key = `${prefix}${toPlace(offset)}`
    const bytes = found.get(key)
    if (bytes === undefined || bytes === 0) return pieces
    pieces.push({ key, bytes })
    offset += bytes
  }
}

const toPlace = (offset: number): string => `piece-${String(offset).padStart(15, '0')}`

const toRecordKey = (ref: string, id: string): string => `${toUploadPrefix(ref, id)}record`

async function readRecord(parts: StorageParts, project: ProjectScope, id: string): Promise<UploadRecord> {
  const opened = ID.test(id) ? await parts.objects.open(toRecordKey(project.ref, id)) : undefined
  if (opened === undefined) throw new ServiceError('storage.upload_not_found')
  return JSON.parse((await readWhole(opened)).toString()) as UploadRecord
}

async function writeRecord(parts: StorageParts, project: ProjectScope, id: string, record: UploadRecord): Promise<void> {
  const { object, size, createdAt, isFinished, ownerId } = record
  await parts.objects.put(toRecordKey(project.ref, id), Buffer.from(JSON.stringify({ object, size, createdAt, isFinished, ownerId })))
}

/** For objects that are known to be small. */
export async function readWhole({ body }: OpenedObject): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
