import { createHmac, timingSafeEqual } from 'node:crypto'
import type { ProjectClaims } from '@polder/core'
import { tokenRejected } from './token-rejection.ts'

const MAX_TOKEN_LENGTH = 8_192
const BASE64URL = /^[A-Za-z0-9_-]+$/
const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')

/** A token taken apart; nothing of it is proven yet. */
export interface ParsedToken {
  signed: string
  signature: string
  payload: Record<string, unknown>
}

/** Signs claims with HS256. */
export function signToken(claims: ProjectClaims, secret: string): string {
  const signed = `${HEADER}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${sign(signed, secret)}`
}

/** Takes a compact JWS apart. Throws `access.jwt_invalid` where its form or its header is not the one that we sign. */
export function parseToken(token: string): ParsedToken {
  if (token === '') throw tokenRejected('malformed', 'Empty JWT is sent in Authorization header')
  if (token.length > MAX_TOKEN_LENGTH) throw tokenRejected('malformed', `The JWT is longer than ${MAX_TOKEN_LENGTH} characters.`)
  const parts = token.split('.')
  if (parts.length !== 3) throw tokenRejected('malformed', `Expected 3 parts in JWT; got ${parts.length}`)
  const [header, payload, signature] = parts as [string, string, string]
  requireOurHeader(parsePart(header, 'header'))
  if (!BASE64URL.test(signature)) throw tokenRejected('malformed', 'The signature of the JWT is not base64url.')
  return { signed: `${header}.${payload}`, signature, payload: parsePart(payload, 'payload') }
}

/** Whether the project's secret made the signature. Compared as text: another spelling of the same bytes is refused. */
export function hasSignature(token: ParsedToken, secret: string): boolean {
  const expected = Buffer.from(sign(token.signed, secret))
  const given = Buffer.from(token.signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function sign(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}

// The key is picked by the route, so a key id, a key or an address of keys in the header is not even looked at.
function requireOurHeader(header: Record<string, unknown>): void {
  if (header.alg !== 'HS256') throw tokenRejected('algorithm')
  if (header.typ !== undefined && !(typeof header.typ === 'string' && header.typ.toUpperCase() === 'JWT')) {
    throw tokenRejected('algorithm', 'The JWT is of another type.')
  }
  for (const extension of ['crit', 'b64', 'zip', 'enc']) {
    if (Object.hasOwn(header, extension)) throw tokenRejected('algorithm', `The JWT has an unsupported header: ${extension}.`)
  }
}

function parsePart(part: string, name: string): Record<string, unknown> {
  if (!BASE64URL.test(part)) throw tokenRejected('malformed', `The ${name} of the JWT is not base64url.`)
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw tokenRejected('malformed', `The ${name} of the JWT is not base64url.`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    throw tokenRejected('malformed', `The ${name} of the JWT is not JSON.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw tokenRejected('malformed', `The ${name} of the JWT is not an object.`)
  }
  return value as Record<string, unknown>
}
