import type { StorageAdapter } from '@polder/adapters/storage'
import { ServiceError, type Observe } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toKnownError, toS3Code, toTrueStatus } from '../wire.ts'
import { createBucketCalls } from './bucket-calls.ts'
import { createMultipartCalls } from './multipart-calls.ts'
import { createObjectCalls } from './object-calls.ts'
import { createPostForm } from './post-form.ts'
import { readQuery } from './s3-request.ts'
import { readS3Access } from './signature.ts'
import { toXml } from './xml.ts'

export interface S3RoutesOptions {
  storage: StorageAdapter
  observe?: Observe
}

type Call = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** The S3 protocol, path style, under `/storage/v1/s3`. */
export async function s3Routes(app: FastifyInstance, { storage, observe }: S3RoutesOptions): Promise<void> {
  const buckets = createBucketCalls(storage)
  const objects = createObjectCalls(storage)
  const multipart = createMultipartCalls(storage)
  const postForm = createPostForm(storage)

  app.decorateRequest('s3', null)
  app.setErrorHandler((error, request, reply) => {
    const known = toKnownError(error)
    const ref = (request.project as ProjectScope | null)?.ref
    if (known.kind === 'internal')
      observe?.({ kind: 'error', requestId: request.id, code: known.code, cause: known.cause ?? known, ...(ref && { ref }) })
    if (reply.raw.headersSent) return void reply.raw.destroy()
    if (!request.raw.complete) void reply.header('connection', 'close')
    const Message = known.kind === 'internal' ? 'Internal Server Error' : known.message
    const body = toXml(
      'Error',
      { Code: toS3Code(known), Message, Resource: request.originalUrl.split('?')[0], RequestId: request.id },
      false,
    )
    return reply
      .code(toTrueStatus(known))
      .type('application/xml')
      .send(request.method === 'HEAD' ? '' : body)
  })

  const route = (method: string, url: string, call: Call) =>
    app.route({ method, url, exposeHeadRoute: false, config: { readAccess: readS3Access }, handler: call })
  const missing: Call = async () => {
    throw new ServiceError('request.not_found')
  }
  const pick = (request: FastifyRequest, choices: [string, Call][], otherwise: Call): Call => {
    const query = readQuery(request)
    return choices.find(([name]) => query.has(name))?.[1] ?? otherwise
  }
  const isForm = (request: FastifyRequest) => /^multipart\/form-data/i.test(request.headers['content-type'] ?? '')

  route('GET', '/', buckets.listBuckets)
  for (const url of ['/:bucket', '/:bucket/']) {
    route('GET', url, buckets.getBucket)
    route('HEAD', url, buckets.headBucket)
    route('PUT', url, buckets.createBucket)
    route('DELETE', url, buckets.deleteBucket)
    route('POST', url, (request, reply) =>
      isForm(request) ? postForm(request, reply) : pick(request, [['delete', buckets.deleteObjects]], missing)(request, reply),
    )
  }
  route('GET', '/:bucket/*', (request, reply) => pick(request, [['uploadid', multipart.list]], objects.getObject)(request, reply))
  route('HEAD', '/:bucket/*', objects.getObject)
  route('PUT', '/:bucket/*', (request, reply) => pick(request, [['uploadid', multipart.putPart]], objects.putObject)(request, reply))
  route('DELETE', '/:bucket/*', (request, reply) => pick(request, [['uploadid', multipart.abort]], objects.deleteObject)(request, reply))
  route('POST', '/:bucket/*', (request, reply) =>
    pick(
      request,
      [
        ['uploads', multipart.create],
        ['uploadid', multipart.complete],
      ],
      missing,
    )(request, reply),
  )
}
