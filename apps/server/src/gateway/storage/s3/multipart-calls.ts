import type { StorageAdapter } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readBody } from '../json-body.ts'
import { requireType } from '../upload-request.ts'
import { parseCopySource, readCount, readQuery, readS3Body, readUserMetadata, requireS3Name } from './s3-request.ts'
import { findText, parseXml, toXml, type XmlValue } from './xml.ts'

type Call = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Ten thousand parts, each with its tag and checksums. */
const MAX_LIST_BYTES = 8 << 20

/** What S3 does with uploads in parts. */
export function createMultipartCalls(storage: StorageAdapter) {
  const send = (reply: FastifyReply, root: string, value: XmlValue) => reply.type('application/xml').send(toXml(root, value))

  const create: Call = async (request, reply) => {
    const object = requireS3Name(request)
    const { headers } = request
    await readBody(request)
    const upload = await storage.createMultipart(request.project, {
      ...object,
      type: requireType(headers['content-type'] || 'binary/octet-stream'),
      cacheControl: headers['cache-control'] ?? 'no-cache',
      userMetadata: readUserMetadata(headers),
      isUpsert: true,
    })
    return send(reply, 'InitiateMultipartUploadResult', { Bucket: object.bucket, Key: object.name, UploadId: upload.id })
  }

  const putPart: Call = async (request, reply) => {
    const query = readQuery(request)
    const part = { object: requireS3Name(request), uploadId: query.get('uploadid') ?? '', number: Number(query.get('partnumber')) }
    const source = request.headers['x-amz-copy-source']
    if (typeof source === 'string') {
      const range = request.headers['x-amz-copy-source-range']
      const toSpan = typeof range === 'string' ? (bytes: number) => parseCopyRange(range, bytes) : undefined
      const copied = await storage.copyPart(request.project, { ...part, from: parseCopySource(source), ...(toSpan && { toSpan }) })
      return send(reply, 'CopyPartResult', { ETag: copied.etag, LastModified: copied.modifiedAt.toISOString() })
    }
    return reply.header('etag', await storage.putPart(request.project, { ...part, ...readS3Body(request) })).send()
  }

  const complete: Call = async (request, reply) => {
    const object = requireS3Name(request)
    const document = parseXml((await readBody(request, MAX_LIST_BYTES)).toString())
    const wanted = document.children
      .filter(({ name }) => name === 'Part')
      .map((part) => ({ number: Number(findText(part, 'PartNumber')), etag: findText(part, 'ETag') ?? '' }))
    const made = await storage.completeMultipart(request.project, object, readQuery(request).get('uploadid') ?? '', wanted)
    const [path = ''] = request.originalUrl.split('?')
    return send(reply, 'CompleteMultipartUploadResult', { Location: path, Bucket: object.bucket, Key: object.name, ETag: made.etag })
  }

  const abort: Call = async (request, reply) => {
    await storage.abortMultipart(request.project, requireS3Name(request), readQuery(request).get('uploadid') ?? '')
    return reply.code(204).send()
  }

  const list: Call = async (request, reply) => {
    const query = readQuery(request)
    const object = requireS3Name(request)
    const uploadId = query.get('uploadid') ?? ''
    const limit = readCount(query, 'max-parts', 1000)
    const after = query.get('part-number-marker') ? readCount(query, 'part-number-marker', 10_000) : 0
    const page = await storage.listParts(request.project, { object, uploadId, after, limit })
    return send(reply, 'ListPartsResult', {
      Bucket: object.bucket,
      Key: object.name,
      UploadId: uploadId,
      PartNumberMarker: after,
      NextPartNumberMarker: page.hasNext ? page.parts.at(-1)?.number : undefined,
      MaxParts: limit,
      IsTruncated: page.hasNext,
      Part: page.parts.map(({ number, bytes, etag, modifiedAt }) => ({
        PartNumber: number,
        LastModified: modifiedAt.toISOString(),
        ETag: etag,
        Size: bytes,
      })),
    })
  }

  return { create, putPart, complete, abort, list }
}

function parseCopyRange(range: string, bytes: number): { first: number; last: number } {
  const [, from, to] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(range) ?? []
  const [first, last] = [Number(from), Number(to)]
  if (to === undefined || first > last || last >= bytes) {
    throw new ServiceError('storage.request_invalid', {
      message: 'The x-amz-copy-source-range value must be of the form bytes=first-last.',
    })
  }
  return { first, last }
}
