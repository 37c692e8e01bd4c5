import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { ObjectName } from '@polder/adapters/storage'
import { isObjectName, ServiceError } from '@polder/core'
import type { FastifyRequest } from 'fastify'
import { findChecksum, md5Checksum, payloadChecksum, type Checksum } from './checksums.ts'
import { readChunkedBody } from './chunked-body.ts'

/** The body of an upload, freed of its wrapping, and what it must turn out to be. */
export interface S3Body {
  body: Readable | Buffer
  bytes: number | undefined
  onChunk: (chunk: Buffer) => void
  check: () => void
}

/** What the client sends to be kept. */
export function readS3Body(request: FastifyRequest): S3Body {
  const source = request.body as IncomingMessage | undefined | null
  const { headers } = request
  const signed = request.s3!
  const isChunked = signed.payload.startsWith('STREAMING-')
  const declared = isChunked ? headers['x-amz-decoded-content-length'] : headers['content-length']
  const expected: { checksum: Checksum; value: string }[] = []
  for (const [name, value] of Object.entries(headers)) {
    const checksum = typeof value === 'string' ? findChecksum(name) : undefined
    if (checksum) expected.push({ checksum, value: value as string })
  }
  const md5 = headers['content-md5']
  if (typeof md5 === 'string') expected.push({ checksum: md5Checksum(), value: md5 })
  if (/^[0-9a-f]{64}$/.test(signed.payload)) expected.push({ checksum: payloadChecksum(), value: signed.payload })
  const trailers = String(headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean)
  const body = source ? (isChunked ? readChunkedBody(source, signed, trailers) : source) : Buffer.alloc(0)
  let bytes = 0
  const wanted = declared === undefined ? undefined : Number(declared)
  return {
    body,
    bytes: wanted,
    onChunk(chunk) {
      bytes += chunk.length
      for (const { checksum } of expected) checksum.take(chunk)
    },
    check() {
      for (const { checksum, value } of expected) checksum.check(value)
      if (isChunked && wanted !== undefined && wanted !== bytes) {
        throw new ServiceError('storage.request_invalid', { message: 'The body has not as many bytes as it declares.' })
      }
    },
  }
}

/** Bucket and object of the address. */
export function requireS3Name(request: FastifyRequest): ObjectName {
  const { bucket = '', '*': name = '' } = request.params as { bucket?: string; '*'?: string }
  return { bucket, name: requireKey(name) }
}

export function requireKey(name: string): string {
  if (!isObjectName(name)) throw new ServiceError('storage.object_name_invalid', { message: `Invalid key: ${name.toWellFormed()}` })
  return name
}

/** Parameters of the query, by lower-case name; the first of each counts. */
export function readQuery(request: FastifyRequest): Map<string, string> {
  const query = request.query as Record<string, string | string[]>
  return new Map(Object.entries(query).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? (value[0] ?? '') : value]))
}

const META = 'x-amz-meta-'

/** `x-amz-meta-*`, without the prefix. */
export function readUserMetadata(headers: Record<string, unknown>): Record<string, unknown> | undefined {
  const found = Object.entries(headers)
    .filter(([name]) => name.toLowerCase().startsWith(META))
    .map(([name, value]) => [name.toLowerCase().slice(META.length), String(value)] as const)
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/** The same as headers of an answer; what cannot be one is left out. */
export function toMetadataHeaders(metadata: Record<string, unknown> | null): Record<string, string> {
  const texts = Object.entries(metadata ?? {}).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' && /^[\w.-]{1,100}$/.test(entry[0]) && /^[\x20-\x7e]{0,2048}$/.test(entry[1]),
  )
  return Object.fromEntries(texts.map(([name, value]) => [META + name, value]))
}

/** Where a copy comes from: `bucket/key`, encoded, maybe with a slash in front. */
export function parseCopySource(header: string): ObjectName {
  let path: string
  try {
    path = decodeURIComponent(header.replace(/\?versionId=.*$/, '')).replace(/^\//, '')
  } catch (cause) {
    throw new ServiceError('storage.request_invalid', { message: 'Invalid Parameter CopySource', cause })
  }
  const slash = path.indexOf('/')
  if (slash < 1) throw new ServiceError('storage.request_invalid', { message: 'Invalid Parameter CopySource' })
  return { bucket: path.slice(0, slash), name: requireKey(path.slice(slash + 1)) }
}

/** A number of the query within limits. */
export function readCount(query: Map<string, string>, name: string, max: number): number {
  const text = query.get(name)
  if (text === undefined || text === '') return max
  if (!/^\d{1,9}$/.test(text)) throw new ServiceError('storage.request_invalid', { message: `Invalid Parameter ${name}` })
  return Math.min(Number(text), max)
}
