import type { StorageAdapter, UploadedObject } from '@polder/adapters/storage'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { readJson } from './json-body.ts'
import { requireName, requireObjectName } from './object-name.ts'
import { toObjectJson } from './object-json.ts'
import { readUpload, requireType } from './upload-request.ts'

const transferBody = z.object({
  bucketId: z.string().min(1),
  sourceKey: z.string().min(1),
  destinationBucket: z.string().optional(),
  destinationKey: z.string().min(1),
})

const copyBody = transferBody.extend({
  copyMetadata: z.boolean().optional(),
  metadata: z.object({ cacheControl: z.string().max(255).optional(), mimetype: z.string().max(255).optional() }).nullish(),
})

const UPLOAD_SECONDS = 60 * 60 * 2

/** Putting objects there, moving, copying and deleting them. */
export function writeRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  const upload = async (request: FastifyRequest, isUpsert: boolean, signedFor?: { ownerId: string | null }) => {
    const object = requireName(request)
    const made = await storage.uploadFile(request.project, { ...object, ...(await readUpload(request)), isUpsert, signedFor })
    return toUploadJson(made)
  }

  app.post('/object/:bucket/*', (request) => upload(request, isUpsert(request)))
  app.put('/object/:bucket/*', (request) => upload(request, true))
  app.put('/object/upload/sign/:bucket/*', { config: { isOpen: true } }, (request) => {
    const { token } = request.query as { token?: unknown }
    const link = storage.readLink(request.project, typeof token === 'string' ? token : '', 'upload', requireName(request))
    return upload(request, link.upsert, { ownerId: link.owner ?? null })
  })

  app.post('/object/upload/sign/:bucket/*', async (request) => {
    const object = requireName(request)
    const { project } = request
    // The type of the request says nothing of the file's: only the name is judged.
    await storage.judgeUpload(
      project,
      { ...object, type: '*/*', cacheControl: 'no-cache', isUpsert: isUpsert(request) },
      { isTypeKnown: false },
    )
    const owner = project.caller.kind === 'app' ? project.caller.claims.sub : undefined
    const url = `${object.bucket}/${object.name}`
    const claims = { scope: 'upload' as const, url, upsert: isUpsert(request), ...(owner !== undefined && { owner }) }
    const token = storage.signLink(project, claims, UPLOAD_SECONDS)
    return { url: `/object/upload/sign/${encodePath(url)}?token=${token}`, token }
  })

  app.post('/object/copy', async (request) => {
    const body = await readJson(request, copyBody)
    const { userMetadata } = readMetadata(request)
    const isFresh = body.copyMetadata === false
    const to = { bucket: body.destinationBucket ?? body.bucketId, name: requireObjectName(body.destinationKey) }
    const isSame = to.bucket === body.bucketId && to.name === body.sourceKey
    const made = await storage.copyFile(request.project, {
      from: { bucket: body.bucketId, name: requireObjectName(body.sourceKey) },
      to,
      isUpsert: isUpsert(request),
      ...(isFresh && {
        // Onto itself, what is not given stays (storage-api src/storage/object.ts, preserveUnspecifiedFileMetadata).
        type:
          body.metadata?.mimetype === undefined ? (isSame ? undefined : 'application/octet-stream') : requireType(body.metadata.mimetype),
        cacheControl: body.metadata?.cacheControl ?? (isSame ? undefined : 'no-cache'),
        userMetadata: userMetadata ?? {},
      }),
    })
    return { ...toUploadJson(made), ...toObjectJson(made) }
  })

  app.post('/object/move', async (request) => {
    const body = await readJson(request, transferBody)
    const from = { bucket: body.bucketId, name: requireObjectName(body.sourceKey) }
    const to = { bucket: body.destinationBucket ?? body.bucketId, name: requireObjectName(body.destinationKey) }
    const moved = await storage.moveFile(request.project, from, to)
    return { message: 'Successfully moved', Id: moved.id, Key: `${to.bucket}/${to.name}` }
  })

  app.delete('/object/:bucket/*', async (request) => {
    await storage.deleteFile(request.project, requireName(request))
    return { message: 'Successfully deleted' }
  })
  app.delete('/object/:bucket', async (request) => {
    const { prefixes } = await readJson(request, z.object({ prefixes: z.string().array().min(1).max(1000) }))
    const { bucket } = request.params as { bucket: string }
    const names = prefixes.filter((name) => !name.includes('\0') && name.isWellFormed())
    const removed = await storage.deleteFiles(request.project, bucket, names)
    return removed.map((file) => ({
      name: file.name,
      bucket_id: file.bucket,
      owner: file.owner ?? '',
      owner_id: file.ownerId ?? '',
      id: file.id,
      version: file.version,
      updated_at: file.updatedAt.toISOString(),
      created_at: file.createdAt.toISOString(),
      last_accessed_at: file.lastAccessedAt.toISOString(),
      metadata: file.metadata,
      user_metadata: file.userMetadata,
    }))
  })
}

function isUpsert(request: FastifyRequest): boolean {
  return request.headers['x-upsert'] === 'true'
}

function readMetadata(request: FastifyRequest): { userMetadata: Record<string, unknown> | undefined } {
  const header = request.headers['x-metadata']
  if (typeof header !== 'string') return { userMetadata: undefined }
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64').toString())
    return {
      userMetadata: typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined,
    }
  } catch {
    return { userMetadata: undefined }
  }
}

function toUploadJson(made: UploadedObject) {
  return { Key: `${made.bucket}/${made.name}`, Id: made.id }
}

/** A path as it stands in an address: storage-js hands it to `fetch` as it is. */
export function encodePath(path: string): string {
  return encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')
}
