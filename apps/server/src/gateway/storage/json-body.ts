import type { IncomingMessage } from 'node:http'
import { ServiceError } from '@polder/core'
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { isTooDeep } from '../../json-depth.ts'

const MAX_BYTES = 1 << 20

/** The body of a call that is not an upload. */
export async function readBody(request: FastifyRequest, maxBytes = MAX_BYTES): Promise<Buffer> {
  const source = request.body as IncomingMessage | undefined
  if (source === undefined || source === null) return Buffer.alloc(0)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    bytes += (chunk as Buffer).length
    if (bytes > maxBytes) throw new ServiceError('request.too_large')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** The JSON of the body, checked; an empty one is an empty object. */
export async function readJson<Schema extends z.ZodType>(request: FastifyRequest, schema: Schema): Promise<z.output<Schema>> {
  const text = (await readBody(request)).toString()
  if (isTooDeep(text)) throw new ServiceError('storage.request_invalid', { message: 'The JSON is nested too deeply.' })
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new ServiceError('storage.request_invalid', { message: 'Body is not valid JSON', cause })
  }
  return parseWith(schema, value, 'body')
}

/** Throws `storage.request_invalid`, which names what is wrong. */
export function parseWith<Schema extends z.ZodType>(schema: Schema, value: unknown, place: 'body' | 'querystring'): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('/') ?? ''
  throw new ServiceError('storage.request_invalid', {
    message: `${place}${path === '' ? '' : `/${path}`} ${issue?.message ?? 'is not valid'}`,
  })
}
