import type { StorageAdapter } from '@polder/adapters/storage'
import { isBucketName, ServiceError, type Bucket } from '@polder/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { parseFileSize } from './file-size.ts'
import { parseWith, readJson } from './json-body.ts'

const bucketBody = z.object({
  name: z.string(),
  id: z.string().optional(),
  public: z.boolean().nullish(),
  file_size_limit: z.union([z.number().min(0), z.string(), z.null()]).optional(),
  allowed_mime_types: z.string().array().max(200).nullish(),
})

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
  offset: z.coerce.number().int().min(0).max(1_000_000_000).optional(),
  sortColumn: z.enum(['id', 'name', 'created_at', 'updated_at']).optional(),
  sortOrder: z.enum(['asc', 'desc']).optional(),
  search: z.string().max(1000).optional(),
})

/** `/bucket` of the storage service. */
export function bucketRoutes(app: FastifyInstance, storage: StorageAdapter): void {
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id

  app.post('/bucket', async (request) => {
    const body = await readJson(request, bucketBody)
    const name = body.id ?? body.name
    if (name !== body.name || !isBucketName(name)) throw new ServiceError('storage.bucket_name_invalid')
    await storage.createBucket(request.project, { name, ...toOptions(body) })
    return { name }
  })
  app.get('/bucket', async (request) => {
    const listing = parseWith(listQuery, request.query, 'querystring')
    return (await storage.listBuckets(request.project, listing)).map(toBucketJson)
  })
  app.get('/bucket/:id', async (request) => toBucketJson(await storage.getBucket(request.project, idOf(request))))
  app.put('/bucket/:id', async (request) => {
    const body = await readJson(request, bucketBody.partial())
    await storage.updateBucket(request.project, { name: idOf(request), ...toOptions(body) })
    return { message: 'Successfully updated' }
  })
  app.post('/bucket/:id/empty', async (request) => {
    await storage.emptyBucket(request.project, idOf(request))
    return { message: 'Empty bucket has been queued. Completion may take up to an hour.' }
  })
  app.delete('/bucket/:id', async (request) => {
    await storage.deleteBucket(request.project, idOf(request))
    return { message: 'Successfully deleted' }
  })
}

function toOptions(body: Partial<z.output<typeof bucketBody>>) {
  const { public: isPublic, file_size_limit: limit, allowed_mime_types: types } = body
  return {
    ...(isPublic !== undefined && { isPublic: isPublic === true }),
    ...(limit !== undefined && { fileSizeLimit: parseFileSize(limit) }),
    ...(types !== undefined && { allowedMimeTypes: types }),
  }
}

/** With exactly the keys that storage-api has: storage-js compares the whole. */
function toBucketJson(bucket: Bucket) {
  return {
    id: bucket.id,
    name: bucket.id,
    owner: bucket.ownerId ?? '',
    public: bucket.isPublic,
    file_size_limit: bucket.fileSizeLimit,
    allowed_mime_types: bucket.allowedMimeTypes,
    created_at: bucket.createdAt.toISOString(),
    updated_at: bucket.updatedAt.toISOString(),
  }
}
