import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { StorageAdapter, StoredFile } from '@polder/adapters/storage'
import { isServiceError, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface SendOptions {
  storage: StorageAdapter
  /** Asks for the row again, when its bytes were replaced in the moment between. */
  find(): Promise<StoredFile>
  /** Instead of, or in addition to, the file's own headers. */
  headers?: Record<string, string>
  /** S3 answers what REST does not: quotes, preconditions that fail. */
  areAllConditionsMet?: boolean
}

/** Types that a browser shows without running anything of them. */
const INERT = /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)|audio\/|video\/|application\/pdf\b)/i

/** What lies on this origin must not act on it: the dashboard is here too. */
const SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; frame-ancestors 'none'"

/** Headers of anything that a user put here. */
export function toSafeHeaders(type: string): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'cross-origin',
    ...(INERT.test(type) ? {} : { 'content-security-policy': SANDBOX }),
  }
}

/** Pages would be pages of this origin: they are shown as text, as storage-api does. */
export function toServedType(type: string): string {
  return /^\s*(?:text\/html|application\/xhtml\+xml|text\/xsl|application\/xslt\+xml)/i.test(type) ? 'text/plain' : toHeaderText(type)
}

/** Answers a GET or HEAD of an object: conditions, one range, and the bytes as they come. */
export async function sendFile(project: ProjectScope, request: FastifyRequest, reply: FastifyReply, options: SendOptions): Promise<void> {
  let file = await options.find()
  const { headers: asked } = request
  if (options.areAllConditionsMet) requirePreconditions(file, asked)
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    etag: toHeaderText(file.etag),
    'last-modified': file.lastModified.toUTCString(),
    'cache-control': toHeaderText(file.cacheControl),
    'content-type': toServedType(file.type),
    'x-robots-tag': 'none',
    ...toSafeHeaders(file.type),
    ...options.headers,
  }
  if (isNotModified(file, asked)) return end(reply, 304, headers)
  if (request.method === 'HEAD') return end(reply, 200, { ...headers, 'content-length': String(file.bytes) })
  let span = toSpan(asked.range, file, asked['if-range'])
  let opened
  try {
    opened = await options.storage.openFile(project, file, span)
  } catch (error) {
    if (!isServiceError(error, 'storage.object_not_found')) throw error
    const again = await options.find()
    if (again.version === file.version) throw error
    file = again
    span = toSpan(asked.range, file, asked['if-range'])
    opened = await options.storage.openFile(project, file, span)
    headers.etag = toHeaderText(file.etag)
    headers['last-modified'] = file.lastModified.toUTCString()
  }
  const length = span ? Math.min(span.last, opened.bytes - 1) - span.first + 1 : opened.bytes
  headers['content-length'] = String(length)
  if (span) headers['content-range'] = `bytes ${span.first}-${span.first + length - 1}/${opened.bytes}`
  await sendBytes(reply, span ? 206 : 200, headers, opened.body)
}

/** Past the framework, straight to the socket. */
export async function sendBytes(
  reply: FastifyReply,
  status: number,
  headers: Record<string, string>,
  body: Buffer | Readable,
): Promise<void> {
  void reply.hijack()
  const response = reply.raw
  response.writeHead(status, headers)
  if (Buffer.isBuffer(body)) return void response.end(body)
  await pump(body, response)
}

async function pump(body: Readable, response: ServerResponse): Promise<void> {
  try {
    await pipeline(body, response)
  } catch {
    // The head was sent: a connection that is cut is all that can still be said.
    response.destroy()
  }
}

function end(reply: FastifyReply, status: number, headers: Record<string, string>): void {
  void reply.hijack()
  reply.raw.writeHead(status, headers)
  reply.raw.end()
}

function isNotModified(file: StoredFile, { 'if-none-match': tags, 'if-modified-since': since }: FastifyRequest['headers']): boolean {
  if (tags !== undefined) return hasTag(tags, file.etag)
  if (since === undefined) return false
  const time = Date.parse(since)
  return !Number.isNaN(time) && toSeconds(file.lastModified) <= toSeconds(new Date(time))
}

function requirePreconditions(file: StoredFile, asked: FastifyRequest['headers']): void {
  const { 'if-match': tags, 'if-unmodified-since': since } = asked
  if (tags !== undefined && !hasTag(tags, file.etag)) throw new ServiceError('storage.precondition_failed')
  const time = tags === undefined && since !== undefined ? Date.parse(since) : NaN
  if (!Number.isNaN(time) && toSeconds(file.lastModified) > toSeconds(new Date(time))) throw new ServiceError('storage.precondition_failed')
}

/** Whether the list names the tag; quotes and weakness make no difference. */
export function hasTag(list: string, etag: string): boolean {
  const bare = (tag: string) => tag.trim().replace(/^W\//, '').replaceAll('"', '')
  return list.split(',').some((tag) => tag.trim() === '*' || bare(tag) === bare(etag))
}

const toSeconds = (date: Date): number => Math.floor(date.getTime() / 1000)

/** Throws `storage.range_unsatisfiable` for what is no single range of the object. */
function toSpan(
  range: string | undefined,
  file: StoredFile,
  ifRange: string | string[] | undefined,
): { first: number; last: number } | undefined {
  if (range === undefined) return undefined
  if (typeof ifRange === 'string' && !hasTag(ifRange, file.etag) && Date.parse(ifRange) !== toSeconds(file.lastModified) * 1000)
    return undefined
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range.trim()) ?? []
  const size = file.bytes
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  const isWrong = (from === '' && (to === '' || Number(to) === 0)) || first > last || first >= size
  if (isWrong) throw new ServiceError('storage.range_unsatisfiable', { details: { bytes: size } })
  return { first, last }
}

/** SQL of the project may have written anything where a header's text comes from. */
export function toHeaderText(text: string): string {
  return text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 1024)
}

/** `attachment` by the name that was asked for; undefined to show it. */
export function toDisposition(download: unknown): Record<string, string> {
  if (typeof download !== 'string') return {}
  if (download === '') return { 'content-disposition': 'attachment;' }
  const name = encodeURIComponent(download.toWellFormed()).slice(0, 1024)
  return { 'content-disposition': `attachment; filename=${name}; filename*=UTF-8''${name}` }
}
