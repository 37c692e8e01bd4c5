import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { ServiceError, type AccessRequest } from '@polder/core'
import type { FastifyRequest } from 'fastify'

/** A request's signature, taken apart; what checks it finds the key, which its chunks are signed with too. */
export interface S3Signature {
  accessKeyId: string
  sessionToken: string | undefined
  /** `20260101T000000Z`. */
  date: string
  /** `20260101/us-east-1/s3/aws4_request`. */
  scope: string
  signature: string
  /** What the client says of the body: its SHA-256, or how it is signed. */
  payload: string
  /** Set once the signature has been found to be right. */
  key: Buffer | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    s3: S3Signature | null
  }
}

const SKEW_MS = 15 * 60 * 1000
const MAX_EXPIRES = 7 * 24 * 60 * 60
const SCOPE = /^[0-9]{8}\/[A-Za-z0-9-]{1,64}\/s3\/aws4_request$/

/** Reads a SigV4 signature from the header or the query. Throws `storage.signature_mismatch` for what is none, or is too old. */
export function readS3Access(request: FastifyRequest): AccessRequest {
  const { authorization } = request.headers
  const { path, query } = splitUrl(request.originalUrl)
  const isForm = request.method === 'POST' && /^multipart\/form-data/i.test(request.headers['content-type'] ?? '')
  // A form is signed inside; until then it is nobody's.
  if (isForm && authorization === undefined) return { kind: 'app', apiKey: undefined, authorization: undefined, door: 'open' }
  const parsed = authorization?.startsWith('AWS4-HMAC-SHA256 ') ? fromHeader(request, authorization) : fromQuery(query)
  const { signed, names, isPresigned } = parsed
  request.s3 = signed
  return {
    kind: 'signed',
    accessKeyId: signed.accessKeyId,
    sessionToken: signed.sessionToken,
    isSignedBy(secret) {
      const key = toSigningKey(secret, signed.scope)
      const headers = names.map((name) => `${name}:${toHeaderValue(request, name)}\n`).join('')
      const rest = `${toCanonicalQuery(query, isPresigned)}\n${headers}\n${names.join(';')}\n${signed.payload}`
      // The address as the client had it, or as a proxy in front may have shortened it.
      const isRight = listPaths(path).some((each) => {
        const hash = createHash('sha256').update(`${request.method}\n${each}\n${rest}`).digest('hex')
        return isSame(sign(key, `AWS4-HMAC-SHA256\n${signed.date}\n${signed.scope}\n${hash}`), signed.signature)
      })
      if (isRight) signed.key = key
      return isRight
    },
  }
}

interface Parsed {
  signed: S3Signature
  names: string[]
  isPresigned: boolean
}

function fromHeader(request: FastifyRequest, authorization: string): Parsed {
  const fields = new Map(
    authorization
      .slice('AWS4-HMAC-SHA256 '.length)
      .split(',')
      .map((part) => part.trim().split('='))
      .map(([name = '', ...value]) => [name, value.join('=')]),
  )
  const { 'x-amz-date': amzDate, 'x-amz-content-sha256': payload = 'UNSIGNED-PAYLOAD', 'x-amz-security-token': token } = request.headers
  const date = typeof amzDate === 'string' ? amzDate : ''
  const names = (fields.get('SignedHeaders') ?? '').split(';')
  const time = parseDate(date)
  if (Math.abs(Date.now() - time) > SKEW_MS) throw mismatch('The difference between the request time and the current time is too large.')
  if (!names.includes('host')) throw mismatch('The host must be signed.')
  const { accessKeyId, scope } = parseCredential(fields.get('Credential') ?? '', date)
  const signed = {
    accessKeyId,
    scope,
    date,
    signature: fields.get('Signature') ?? '',
    payload: String(payload),
    sessionToken: typeof token === 'string' ? token : undefined,
    key: undefined,
  }
  return { signed, names, isPresigned: false }
}

function fromQuery(query: [string, string][]): Parsed {
  const find = (name: string) => query.find(([key]) => key.toLowerCase() === name)?.[1]
  if (find('x-amz-algorithm') !== 'AWS4-HMAC-SHA256')
    throw new ServiceError('storage.signature_mismatch', { message: 'The request is not signed.' })
  const date = find('x-amz-date') ?? ''
  const seconds = Number(find('x-amz-expires'))
  const time = parseDate(date)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_EXPIRES)
    throw mismatch('X-Amz-Expires must be between 1 second and 7 days.')
  if (time - Date.now() > SKEW_MS) throw mismatch('The request is not valid yet.')
  if (time + seconds * 1000 < Date.now()) throw mismatch('Request has expired')
  const { accessKeyId, scope } = parseCredential(find('x-amz-credential') ?? '', date)
  const signed = {
    accessKeyId,
    scope,
    date,
    signature: find('x-amz-signature') ?? '',
    payload: find('x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
    sessionToken: find('x-amz-security-token'),
    key: undefined,
  }
  return { signed, names: (find('x-amz-signedheaders') ?? 'host').split(';'), isPresigned: true }
}

/** The id and scope of `AKID/20260101/region/s3/aws4_request`; an id may hold slashes. */
export function parseCredential(credential: string, date: string): { accessKeyId: string; scope: string } {
  const parts = credential.split('/')
  const scope = parts.slice(-4).join('/')
  if (parts.length < 5 || !SCOPE.test(scope) || !date.startsWith(scope.slice(0, 8))) throw mismatch('The credential is malformed.')
  return { accessKeyId: parts.slice(0, -4).join('/'), scope }
}

/** The key that a secret signs with on one day, in one region. */
export function toSigningKey(secret: string, scope: string): Buffer {
  let key: Buffer | string = `AWS4${secret}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  return key as Buffer
}

export function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

export function mismatch(message: string): ServiceError {
  return new ServiceError('storage.signature_mismatch', { message })
}

function parseDate(date: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date) ?? []
  if (second === undefined) throw mismatch('The request has no date.')
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

function splitUrl(url: string): { path: string; query: [string, string][] } {
  const [path = '', ...rest] = url.split('?')
  const query = rest
    .join('?')
    .split('&')
    .filter(Boolean)
    .map((pair): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      return [decode(name), decode(value.join('='))]
    })
  return { path, query }
}

function listPaths(path: string): string[] {
  const encoded = path
    .split('/')
    .map((segment) => encode(decode(segment, false)))
    .join('/')
  const short = [/^\/projects\/[^/]+/, /^(?:\/projects\/[^/]+)?\/storage\/v1/].map((prefix) => encoded.replace(prefix, ''))
  return [...new Set([encoded, path, ...short])].filter(Boolean)
}

function toCanonicalQuery(query: [string, string][], isPresigned: boolean): string {
  return query
    .filter(([name]) => !(isPresigned && name.toLowerCase() === 'x-amz-signature'))
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .toSorted(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

function toHeaderValue(request: FastifyRequest, name: string): string {
  const value = request.headers[name]
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replaceAll(/ +/g, ' ')
}

/** As AWS encodes: everything but letters, digits and `-._~`. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function decode(text: string, isQuery = true): string {
  try {
    return decodeURIComponent(isQuery ? text.replaceAll('+', '%20') : text)
  } catch {
    return text
  }
}
