import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy } from '@fastify/busboy'
import type { StorageAdapter } from '@polder/adapters/storage'
import { ServiceError } from '@polder/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requireType } from '../upload-request.ts'
import { readUserMetadata, requireKey } from './s3-request.ts'
import { isSame, mismatch, parseCredential, sign, toSigningKey } from './signature.ts'
import { toXml } from './xml.ts'

interface PostedForm {
  fields: Map<string, string>
  file: Readable
  filename: string
}

/** A browser's form that puts one object there, as far as its signed policy allows. */
export function createPostForm(storage: StorageAdapter) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { bucket } = request.params as { bucket: string }
    const { fields, file, filename } = await readForm(request)
    const policy = fields.get('policy') ?? ''
    const date = fields.get('x-amz-date') ?? ''
    const { accessKeyId, scope } = parseCredential(fields.get('x-amz-credential') ?? '', date)
    await request.reopen({
      kind: 'signed',
      accessKeyId,
      sessionToken: fields.get('x-amz-security-token'),
      isSignedBy: (secret) => isSame(sign(toSigningKey(secret, scope), policy), fields.get('x-amz-signature') ?? ''),
    })
    const range = requirePolicy(policy, new Map([...fields, ['bucket', bucket]]))
    let bytes = 0
    const name = requireKey((fields.get('key') ?? '').replaceAll('${filename}', filename))
    const made = await storage.uploadFile(request.project, {
      bucket,
      name,
      body: file,
      type: requireType(fields.get('content-type') || 'application/octet-stream'),
      cacheControl: fields.get('cache-control') ?? 'no-cache',
      userMetadata: readUserMetadata(Object.fromEntries(fields)),
      isUpsert: true,
      etag: 'md5',
      onChunk(chunk) {
        bytes += chunk.length
        if (bytes > range.most) throw new ServiceError('storage.object_too_large')
      },
      check() {
        if (bytes < range.least)
          throw new ServiceError('storage.request_invalid', { message: 'The file is smaller than the policy allows.' })
      },
    })
    void reply.header('etag', made.metadata.eTag)
    const status = fields.get('success_action_status')
    if (status === '201')
      return reply
        .code(201)
        .type('application/xml')
        .send(toXml('PostResponse', { Bucket: bucket, Key: name, ETag: made.metadata.eTag }))
    return reply.code(status === '204' ? 204 : 200).send()
  }
}

function readForm(request: FastifyRequest): Promise<PostedForm> {
  const source = request.body as IncomingMessage
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(new ServiceError('storage.no_content', { cause }))
    const headers = request.headers as { 'content-type': string }
    let form: ReturnType<typeof makeParser>
    try {
      form = makeParser(headers)
    } catch (cause) {
      return fail(cause)
    }
    const fields = new Map<string, string>()
    form.on('field', (name: string, value: string) => void fields.set(name.toLowerCase(), value))
    form.on('file', (_name: string, file: Readable, filename: string | undefined) => {
      source.once('close', () => {
        if (!source.complete) file.destroy(Object.assign(new Error('The client went away.'), { code: 'ECONNRESET' }))
      })
      form.on('error', (error: Error) => file.destroy(error))
      resolve({ fields, file, filename: filename ?? '' })
    })
    form.on('error', fail)
    form.on('finish', () => fail(new Error('The form has no file.')))
    source.on('error', fail)
    source.pipe(form)
  })
}

function makeParser(headers: { 'content-type': string }) {
  return new Busboy({ headers, limits: { fieldSize: 1 << 20, fields: 100, files: 1, parts: 120 } })
}

/** Holds the form against what was signed. Throws `storage.signature_mismatch` where they differ. */
function requirePolicy(encoded: string, fields: Map<string, string>): { least: number; most: number } {
  let policy: { expiration?: unknown; conditions?: unknown }
  try {
    policy = JSON.parse(Buffer.from(encoded, 'base64').toString()) as typeof policy
  } catch (cause) {
    throw new ServiceError('storage.request_invalid', { message: 'The policy is no JSON.', cause })
  }
  if (!(Date.parse(String(policy.expiration)) > Date.now())) throw mismatch('Invalid according to Policy: Policy expired.')
  const conditions = Array.isArray(policy.conditions) ? (policy.conditions as unknown[]) : []
  const range = { least: 0, most: Infinity }
  const named = new Set<string>()
  for (const condition of conditions) {
    const [operator, field, value] = Array.isArray(condition)
      ? (condition as unknown[])
      : ['eq', ...(Object.entries(condition as object)[0] ?? [])]
    if (operator === 'content-length-range') {
      Object.assign(range, { least: Number(field), most: Number(value) })
      continue
    }
    const name = String(field).replace(/^\$/, '').toLowerCase()
    named.add(name)
    const given = fields.get(name) ?? ''
    const isMet = operator === 'starts-with' ? given.startsWith(String(value)) : operator === 'eq' && given === String(value)
    if (!isMet) throw mismatch(`Invalid according to Policy: Policy Condition failed: ${name}`)
  }
  if (!named.has('bucket') || !named.has('key')) throw mismatch('Invalid according to Policy: bucket and key must be named.')
  return range
}
