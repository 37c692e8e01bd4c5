import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { DataStore, MemoryLocker, Server, Upload } from '@tus/server'
import type { NewObject, StorageAdapter } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireObjectName } from './object-name.ts'
import { requireType } from './upload-request.ts'
import { toKnownError, toTrueStatus } from './wire.ts'

/** A request to the resumable uploads, as far as the TUS server cannot know it. */
interface TusCall {
  project: ProjectScope
  /** Path under which the client reached the uploads. */
  base: string
  /** The link that it came with, instead of a token. */
  signature: string | undefined
  isUpsert: boolean
  checksum: { algorithm: string; digest: string } | undefined
  /** Of an upload that begins. */
  begun?: { object: NewObject; limit: number }
}

const ALGORITHMS = ['sha1', 'sha256', 'md5']
const EXPIRES_MS = 24 * 60 * 60 * 1000

/** `/upload/resumable` and its signed variant, by TUS 1.0. */
export function tusRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  const calls = new AsyncLocalStorage<TusCall>()
  const server = createTusServer(storage, calls)
  const method = ['POST', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS']

  const handle = (isSigned: boolean) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { project } = request
    const [path = ''] = request.originalUrl.split('?')
    const end = isSigned ? '/upload/resumable/sign' : '/upload/resumable'
    const signature = request.headers['x-signature']
    const call: TusCall = {
      project,
      base: path.slice(0, path.indexOf(end) + end.length),
      signature: isSigned ? (typeof signature === 'string' ? signature : '') : undefined,
      isUpsert: request.headers['x-upsert'] === 'true',
      checksum: parseChecksum(request.headers['upload-checksum']),
    }
    if (request.method === 'OPTIONS') reply.raw.setHeader('Tus-Checksum-Algorithm', ALGORITHMS.join(','))
    void reply.hijack()
    await calls.run(call, () => server.handle(request.raw, reply.raw))
  }

  // Asking what there is needs no key; a signed upload has its link.
  const routes = [
    { url: '/upload/resumable/sign', isSigned: true },
    { url: '/upload/resumable', isSigned: false },
  ]
  for (const { url, isSigned } of routes) {
    for (const each of [url, `${url}/`, `${url}/:id`]) {
      const open = isSigned ? method : ['OPTIONS']
      app.route({ method: open, url: each, exposeHeadRoute: false, config: { isOpen: true }, handler: handle(isSigned) })
      if (!isSigned)
        app.route({ method: method.filter((one) => one !== 'OPTIONS'), url: each, exposeHeadRoute: false, handler: handle(false) })
    }
  }
}

function createTusServer(storage: StorageAdapter, calls: AsyncLocalStorage<TusCall>): Server {
  const current = () => calls.getStore()!
  return new Server({
    path: '/upload/resumable',
    datastore: new PieceStore(storage, current),
    locker: new MemoryLocker(),
    generateUrl: (_request, { id }) => `${current().base}/${id}`,
    getFileIdFromRequest: (_request, last) => (last !== undefined && /^[0-9a-f]{40}$/.test(last) ? last : undefined),
    // The id is made with the upload; this is where its metadata is first seen.
    async namingFunction(_request, metadata) {
      const call = current()
      const object = readObject(storage, call, metadata ?? {})
      call.begun = { object, limit: await storage.readResumableLimit(call.project, object) }
      return 'new'
    },
    async maxSize(_request, id) {
      const call = current()
      if (call.begun !== undefined) return call.begun.limit
      // Somebody asks what there is.
      if (id === null) return call.project.configuration.storage.fileSizeLimit
      const { object } = await storage.getResumable(call.project, id)
      return storage.readResumableLimit(call.project, object)
    },
    async onIncomingRequest(_request, id) {
      const call = current()
      if (id === 'new') return
      const { object } = await storage.getResumable(call.project, id)
      // Whoever has a link has it for one object; whoever has a token was not given the other's uploads.
      if (call.signature === undefined && object.signedFor !== undefined) throw new ServiceError('storage.upload_not_found')
      if (call.signature !== undefined) storage.readLink(call.project, call.signature, 'upload', object)
    },
    async onUploadFinish(_request, upload) {
      await storage.finishResumable(current().project, upload.id)
      return {}
    },
    onResponseError(_request, error) {
      if (!(error instanceof Error)) return undefined
      const known = toKnownError(error)
      return { status_code: toTrueStatus(known), body: known.kind === 'internal' ? 'Internal Server Error' : known.message }
    },
  })
}

/** The uploads of all projects, as the TUS server sees them. */
class PieceStore extends DataStore {
  readonly #storage: StorageAdapter
  readonly #current: () => TusCall

  constructor(storage: StorageAdapter, current: () => TusCall) {
    super()
    this.extensions = ['creation', 'creation-with-upload', 'creation-defer-length', 'termination', 'expiration', 'checksum']
    this.#storage = storage
    this.#current = current
  }

  override async create(upload: Upload): Promise<Upload> {
    const { project, begun } = this.#current()
    const made = await this.#storage.createResumable(project, begun!.object, upload.size ?? null)
    upload.id = made.id
    upload.creation_date = made.createdAt
    return upload
  }

  override async getUpload(id: string): Promise<Upload> {
    const { size, offset, createdAt } = await this.#storage.getResumable(this.#current().project, id)
    return new Upload({ id, offset, creation_date: createdAt, ...(size !== null && { size }) })
  }

  override async write(stream: Readable, id: string, offset: number): Promise<number> {
    const { project, checksum } = this.#current()
    const hash = checksum && createHash(checksum.algorithm)
    const next = await this.#storage.appendResumable(project, { id }, offset, stream, hash && ((chunk) => void hash.update(chunk)))
    if (hash && hash.digest('base64') !== checksum!.digest) {
      await this.#storage.dropResumablePiece(project, id, offset)
      // oxlint-disable-next-line no-throw-literal -- how the TUS server is told of a status of its own
      throw { status_code: 460, body: 'Checksum Mismatch\n' }
    }
    return next
  }

  override async declareUploadLength(id: string, size: number): Promise<void> {
    await this.#storage.setResumableSize(this.#current().project, id, size)
  }

  override async remove(id: string): Promise<void> {
    await this.#storage.removeResumable(this.#current().project, id)
  }

  override getExpiration(): number {
    return EXPIRES_MS
  }
}

function readObject(storage: StorageAdapter, call: TusCall, metadata: Record<string, string | null>): NewObject {
  const bucket = metadata.bucketName ?? ''
  const name = requireObjectName(metadata.objectName ?? '')
  const seconds = metadata.cacheControl
  const link = call.signature === undefined ? undefined : storage.readLink(call.project, call.signature, 'upload', { bucket, name })
  return {
    bucket,
    name,
    type: requireType(metadata.contentType || 'application/octet-stream'),
    cacheControl: seconds ? `max-age=${seconds}` : 'no-cache',
    userMetadata: parseMetadata(metadata.metadata),
    isUpsert: link?.upsert ?? call.isUpsert,
    operation: 'storage.tus.upload.create',
    ...(link && { signedFor: { ownerId: link.owner ?? null } }),
  }
}

function parseMetadata(text: string | null | undefined): Record<string, unknown> | undefined {
  if (!text) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function parseChecksum(header: string | string[] | undefined): TusCall['checksum'] {
  if (typeof header !== 'string') return undefined
  const [algorithm = '', digest = ''] = header.split(' ')
  if (!ALGORITHMS.includes(algorithm)) throw new ServiceError('storage.request_invalid', { message: 'Unsupported checksum algorithm' })
  return { algorithm, digest }
}
