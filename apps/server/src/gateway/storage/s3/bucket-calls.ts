import type { StorageAdapter } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readBody } from '../json-body.ts'
import { readCount, readQuery } from './s3-request.ts'
import { findText, parseXml, toXml, type XmlValue } from './xml.ts'

type Call = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

const OWNER = { ID: 'polder', DisplayName: 'polder' }

/** What S3 does with buckets and their listings. */
export function createBucketCalls(storage: StorageAdapter) {
  const bucketOf = (request: FastifyRequest) => (request.params as { bucket: string }).bucket
  const send = (reply: FastifyReply, root: string, value: XmlValue) => reply.type('application/xml').send(toXml(root, value))

  const listBuckets: Call = async (request, reply) => {
    const buckets = await storage.listBuckets(request.project)
    const Bucket = buckets.map(({ id, createdAt }) => ({ Name: id, CreationDate: createdAt.toISOString() }))
    return send(reply, 'ListAllMyBucketsResult', { Owner: OWNER, Buckets: { Bucket } })
  }

  const createBucket: Call = async (request, reply) => {
    const name = bucketOf(request)
    await readBody(request)
    await storage.createBucket(request.project, { name, isPublic: request.headers['x-amz-acl'] === 'public-read' })
    return reply.header('location', `/${encodeURIComponent(name)}`).send()
  }

  const headBucket: Call = async (request, reply) => {
    await storage.getBucket(request.project, bucketOf(request))
    return reply.header('x-amz-bucket-region', 'us-east-1').send()
  }

  const deleteBucket: Call = async (request, reply) => {
    await storage.deleteBucket(request.project, bucketOf(request))
    return reply.code(204).send()
  }

  const getBucket: Call = async (request, reply) => {
    const query = readQuery(request)
    if (query.has('location')) {
      await storage.getBucket(request.project, bucketOf(request))
      return send(reply, 'LocationConstraint', 'us-east-1')
    }
    if (query.has('versioning')) {
      await storage.getBucket(request.project, bucketOf(request))
      return send(reply, 'VersioningConfiguration', { Status: 'Suspended', MfaDelete: 'Disabled' })
    }
    if (query.has('uploads')) return listUploads(request, reply)
    return query.get('list-type') === '2' ? listV2(request, reply) : listV1(request, reply)
  }

  const listV2: Call = async (request, reply) => {
    const query = readQuery(request)
    const token = query.get('continuation-token')
    const { page, common } = await readPage(
      request,
      query,
      token === undefined ? { startAfter: query.get('start-after') } : { cursor: token },
    )
    return send(reply, 'ListBucketResult', {
      ...common,
      KeyCount: page.objects.length + page.folders.length,
      ContinuationToken: token,
      NextContinuationToken: page.nextCursor,
      StartAfter: query.get('start-after'),
    })
  }

  const listV1: Call = async (request, reply) => {
    const query = readQuery(request)
    const marker = query.get('marker')
    const { page, common, encode } = await readPage(request, query, { startAfter: marker })
    return send(reply, 'ListBucketResult', {
      ...common,
      Marker: marker ?? '',
      NextMarker: page.nextName === undefined ? undefined : encode(page.nextName),
    })
  }

  async function readPage(
    request: FastifyRequest,
    query: Map<string, string>,
    start: { startAfter?: string | undefined; cursor?: string },
  ) {
    const bucket = bucketOf(request)
    await storage.getBucket(request.project, bucket)
    const limit = readCount(query, 'max-keys', 1000)
    const prefix = query.get('prefix') ?? ''
    const delimiter = query.get('delimiter') || undefined
    requireText(prefix, delimiter ?? '', start.startAfter ?? '')
    const isUrl = query.get('encoding-type') === 'url'
    const encode = (text: string) => (isUrl ? encodeURIComponent(text).replaceAll('%2F', '/') : text)
    const empty = { objects: [], folders: [], hasNext: false, nextCursor: undefined, nextName: undefined }
    const page = limit === 0 ? empty : await storage.listObjects(request.project, { bucket, prefix, limit, delimiter, ...start })
    const common = {
      Name: bucket,
      Prefix: encode(prefix),
      Delimiter: delimiter,
      MaxKeys: limit,
      EncodingType: isUrl ? 'url' : undefined,
      IsTruncated: page.hasNext,
      Contents: page.objects.map((entry) => {
        const metadata = (entry.metadata ?? {}) as { eTag?: string; size?: number }
        return {
          Key: encode(entry.name),
          LastModified: new Date(entry.updated_at ?? 0).toISOString(),
          ETag: metadata.eTag ?? '',
          Size: Number(metadata.size ?? 0),
          StorageClass: 'STANDARD',
        }
      }),
      CommonPrefixes: page.folders.map(({ name }) => ({ Prefix: encode(name) })),
    }
    return { page, common, encode }
  }

  const listUploads: Call = async (request, reply) => {
    const query = readQuery(request)
    const bucket = bucketOf(request)
    await storage.getBucket(request.project, bucket)
    const limit = readCount(query, 'max-uploads', 1000)
    const [prefix, keyMarker, idMarker] = [query.get('prefix') ?? '', query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '']
    requireText(prefix, keyMarker, idMarker)
    const page = await storage.listMultiparts(request.project, { bucket, prefix, afterKey: keyMarker, afterId: idMarker, limit })
    const last = page.hasNext ? page.uploads.at(-1) : undefined
    return send(reply, 'ListMultipartUploadsResult', {
      Bucket: bucket,
      KeyMarker: keyMarker,
      UploadIdMarker: idMarker,
      NextKeyMarker: last?.name,
      NextUploadIdMarker: last?.id,
      Prefix: prefix,
      MaxUploads: limit,
      IsTruncated: page.hasNext,
      Upload: page.uploads.map(({ id, name, createdAt }) => ({
        Key: name,
        UploadId: id,
        Initiator: OWNER,
        Owner: OWNER,
        StorageClass: 'STANDARD',
        Initiated: createdAt.toISOString(),
      })),
    })
  }

  const deleteObjects: Call = async (request, reply) => {
    const document = parseXml((await readBody(request)).toString())
    const names = document.children.filter(({ name }) => name === 'Object').map((object) => findText(object, 'Key') ?? '')
    if (names.length === 0 || names.length > 1000)
      throw new ServiceError('storage.request_invalid', { message: 'Between 1 and 1000 keys are needed.' })
    const known = names.filter((name) => name !== '' && name.isWellFormed() && !name.includes('\0'))
    const left = new Set(known.length === 0 ? [] : await storage.deleteAllOf(request.project, bucketOf(request), known))
    const isQuiet = findText(document, 'Quiet') === 'true'
    return send(reply, 'DeleteResult', {
      Deleted: isQuiet ? [] : names.filter((name) => !left.has(name)).map((Key) => ({ Key })),
      Error: [...left].map((Key) => ({ Key, Code: 'AccessDenied', Message: 'Access Denied' })),
    })
  }

  return { listBuckets, createBucket, headBucket, deleteBucket, getBucket, deleteObjects }
}

function requireText(...texts: string[]): void {
  if (texts.some((text) => text.includes('\0') || !text.isWellFormed() || text.length > 2048)) {
    throw new ServiceError('storage.request_invalid', { message: 'Invalid Parameter' })
  }
}
