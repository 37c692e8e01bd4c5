import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy } from '@fastify/busboy'
import { ServiceError } from '@polder/core'
import type { FastifyRequest } from 'fastify'

/** What a request brings to keep: the body itself, or the file of a form. */
export interface BroughtFile {
  body: Readable
  bytes: number | undefined
  type: string
  cacheControl: string
  userMetadata: Record<string, unknown> | undefined
}

const MAX_METADATA_BYTES = 1 << 20
const TYPE =
  /^[A-Za-z0-9!#$%&'*+.^_`|~-]+\/[A-Za-z0-9!#$%&'*+.^_`|~*-]+(?:\s*;\s*[A-Za-z0-9!#$&'*+.^_`|~-]+=(?:[A-Za-z0-9!#$%&'*+.^_`|~:/-]+|"[^"\\\r\n]*"))*\s*;?$/

/** As storage-js and curl send it. A form's fields must come before its file, as they do. */
export async function readUpload(request: FastifyRequest): Promise<BroughtFile> {
  const source = request.body as IncomingMessage | undefined | null
  if (source === undefined || source === null) return { ...readHeaders(request), body: emptied(request), bytes: 0 }
  if (/^multipart\/form-data/i.test(request.headers['content-type'] ?? '')) return readForm(request, source)
  return { ...readHeaders(request), body: source, bytes: toLength(request.headers['content-length']) }
}

function readHeaders(request: FastifyRequest): Omit<BroughtFile, 'body' | 'bytes'> {
  const metadata = request.headers['x-metadata']
  return {
    type: requireType(request.headers['content-type'] || 'application/octet-stream'),
    cacheControl: request.headers['cache-control'] ?? 'no-cache',
    userMetadata: typeof metadata === 'string' ? parseMetadata(Buffer.from(metadata, 'base64').toString()) : undefined,
  }
}

function readForm(request: FastifyRequest, source: IncomingMessage): Promise<BroughtFile> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>()
    let isFound = false
    const fail = (cause: unknown) => reject(cause instanceof ServiceError ? cause : new ServiceError('storage.no_content', { cause }))
    let form: ReturnType<typeof makeParser>
    try {
      form = makeParser(request)
    } catch (cause) {
      return fail(cause)
    }
    form.on('field', (name: string, value: string, _nameCut: boolean, isCut: boolean) => {
      if (isCut) return fail(new ServiceError('storage.metadata_too_large'))
      fields.set(name, value)
    })
    form.on('file', (_name: string, file: Readable, _filename: string, _encoding: string, mimetype: string) => {
      if (isFound) return void file.resume()
      isFound = true
      source.once('close', () => {
        if (!source.complete) file.destroy(Object.assign(new Error('The client went away.'), { code: 'ECONNRESET' }))
      })
      form.on('error', (error: Error) => file.destroy(error))
      try {
        const metadata = fields.get('metadata') ?? fields.get('userMetadata')
        const seconds = fields.get('cacheControl')
        resolve({
          body: file,
          bytes: undefined,
          type: requireType(fields.get('contentType') || mimetype || 'application/octet-stream'),
          cacheControl: seconds ? `max-age=${seconds}` : 'no-cache',
          userMetadata: metadata === undefined ? undefined : parseMetadata(metadata),
        })
      } catch (error) {
        file.resume()
        fail(error)
      }
    })
    form.on('error', fail)
    form.on('finish', () => {
      if (!isFound) fail(new Error('The form has no file.'))
    })
    source.on('error', fail)
    source.pipe(form)
  })
}

function makeParser(request: FastifyRequest) {
  const headers = request.headers as { 'content-type': string }
  return new Busboy({ headers, limits: { fieldSize: MAX_METADATA_BYTES, fields: 50, files: 1, parts: 60, headerPairs: 50 } })
}

function parseMetadata(text: string): Record<string, unknown> | undefined {
  if (Buffer.byteLength(text) > MAX_METADATA_BYTES) throw new ServiceError('storage.metadata_too_large')
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    // Postgres keeps no such character.
    return isObject && !text.includes('\\u0000') ? (value as Record<string, unknown>) : undefined
  } catch {
    // As storage-api: what is no JSON is no metadata.
    return undefined
  }
}

/** A type is sent back as it came, so it must be one. */
export function requireType(type: string): string {
  if (type.length > 255 || !TYPE.test(type)) {
    throw new ServiceError('storage.type_refused', { message: 'Invalid Content-Type header' })
  }
  return type
}

function toLength(header: string | undefined): number | undefined {
  return header === undefined ? undefined : Number(header)
}

function emptied(request: FastifyRequest): Readable {
  return request.raw
}
