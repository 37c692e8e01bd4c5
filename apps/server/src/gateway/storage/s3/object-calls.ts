import type { StorageAdapter, StoredFile } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hasTag, sendFile, toHeaderText, toSafeHeaders, toServedType } from '../send-file.ts'
import { requireType } from '../upload-request.ts'
import { parseCopySource, readQuery, readS3Body, readUserMetadata, requireS3Name, toMetadataHeaders } from './s3-request.ts'
import { toXml } from './xml.ts'

type Call = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

const OVERRIDES = {
  'response-cache-control': 'cache-control',
  'response-content-disposition': 'content-disposition',
  'response-content-encoding': 'content-encoding',
  'response-content-language': 'content-language',
  'response-expires': 'expires',
} as const

/** What S3 does with whole objects. */
export function createObjectCalls(storage: StorageAdapter) {
  const getObject: Call = async (request, reply) => {
    const { project } = request
    const object = requireS3Name(request)
    const query = readQuery(request)
    if (query.has('tagging')) {
      await storage.getFile(project, 'caller', object)
      return reply.type('application/xml').send(toXml('Tagging', { TagSet: {} }))
    }
    // Tried once for the metadata; what is sent is looked up by sendFile itself.
    let file: StoredFile | undefined = await storage.getFile(project, 'caller', object)
    const headers: Record<string, string> = toMetadataHeaders(file.userMetadata)
    for (const [name, header] of Object.entries(OVERRIDES)) {
      const value = query.get(name)
      if (value !== undefined) headers[header] = toHeaderText(value)
    }
    const type = query.get('response-content-type')
    if (type !== undefined) Object.assign(headers, { 'content-type': toServedType(requireType(type)) }, toSafeHeaders(type))
    const find = async () => {
      const first = file ?? (await storage.getFile(project, 'caller', object))
      file = undefined
      return first
    }
    await sendFile(project, request, reply, { storage, find, headers, areAllConditionsMet: true })
    return reply
  }

  const putObject: Call = async (request, reply) => {
    const source = request.headers['x-amz-copy-source']
    if (typeof source === 'string') return copyObject(request, reply, source)
    if (readQuery(request).has('tagging')) throw new ServiceError('storage.request_invalid', { message: 'Tags are not supported.' })
    const { headers } = request
    const made = await storage.uploadFile(request.project, {
      ...requireS3Name(request),
      ...readS3Body(request),
      type: requireType(headers['content-type'] || 'binary/octet-stream'),
      cacheControl: headers['cache-control'] ?? 'no-cache',
      userMetadata: readUserMetadata(headers),
      isUpsert: headers['if-none-match'] !== '*',
      etag: 'md5',
    })
    return reply.header('etag', made.metadata.eTag).send()
  }

  async function copyObject(request: FastifyRequest, reply: FastifyReply, source: string) {
    const { headers } = request
    const isReplaced = headers['x-amz-metadata-directive'] === 'REPLACE'
    const made = await storage.copyFile(request.project, {
      from: parseCopySource(source),
      to: requireS3Name(request),
      isUpsert: true,
      check: (file) => requireCopyConditions(file, headers),
      ...(isReplaced && {
        type: requireType(headers['content-type'] || 'binary/octet-stream'),
        cacheControl: headers['cache-control'] ?? 'no-cache',
        userMetadata: readUserMetadata(headers) ?? {},
      }),
    })
    const { eTag: ETag, lastModified: LastModified } = made.metadata
    return reply.type('application/xml').send(toXml('CopyObjectResult', { ETag, LastModified }))
  }

  const deleteObject: Call = async (request, reply) => {
    const { bucket, name } = requireS3Name(request)
    await storage.getBucket(request.project, bucket).catch((error: unknown) => {
      // Who may not see the bucket may still delete in it.
      if (request.project.caller.kind === 'app' && request.project.caller.role === 'service_role') throw error
    })
    const left = await storage.deleteAllOf(request.project, bucket, [name])
    if (left.length > 0) throw new ServiceError('storage.access_denied', { message: 'Access Denied' })
    return reply.code(204).send()
  }

  return { getObject, putObject, deleteObject }
}

function requireCopyConditions(file: StoredFile, headers: FastifyRequest['headers']): void {
  const text = (name: string) => {
    const value = headers[`x-amz-copy-source-${name}`]
    return typeof value === 'string' ? value : undefined
  }
  const [match, noneMatch] = [text('if-match'), text('if-none-match')]
  const [since, until] = [text('if-modified-since'), text('if-unmodified-since')].map((date) =>
    date === undefined ? NaN : Date.parse(date),
  )
  const at = Math.floor(file.lastModified.getTime() / 1000) * 1000
  const isRefused =
    (match !== undefined && !hasTag(match, file.etag)) ||
    (noneMatch !== undefined && hasTag(noneMatch, file.etag)) ||
    at <= since! ||
    at > until!
  if (isRefused) throw new ServiceError('storage.precondition_failed')
}
