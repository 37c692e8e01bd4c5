import type { SigningAlgorithm } from '@polder/core'
import { hasTwinName } from './twin-name.ts'
import { tokenRejected } from './token-rejection.ts'

const MAX_TOKEN_LENGTH = 8_192
const BASE64URL = /^[A-Za-z0-9_-]+$/
const ALGORITHMS: ReadonlySet<unknown> = new Set<SigningAlgorithm>(['HS256', 'ES256', 'RS256'])

/** A token taken apart; nothing of it is proven yet. */
export interface ParsedToken {
  algorithm: SigningAlgorithm
  /** Which of the project's keys it says that it is signed with. */
  kid: string | undefined
  signed: string
  signature: string
  payload: Record<string, unknown>
}

/** Takes a compact JWS apart. Throws `access.jwt_invalid` where its form or its header is not one that we sign. */
export function parseToken(token: string): ParsedToken {
  if (token === '') throw tokenRejected('malformed', 'Empty JWT is sent in Authorization header')
  if (token.length > MAX_TOKEN_LENGTH) throw tokenRejected('malformed', `The JWT is longer than ${MAX_TOKEN_LENGTH} characters.`)
  const parts = token.split('.')
  if (parts.length !== 3) throw tokenRejected('malformed', `Expected 3 parts in JWT; got ${parts.length}`)
  const [header, payload, signature] = parts as [string, string, string]
  const named = checkHeader(parsePart(header, 'header'))
  if (!BASE64URL.test(signature)) throw tokenRejected('malformed', 'The signature of the JWT is not base64url.')
  return { ...named, signed: `${header}.${payload}`, signature, payload: parsePart(payload, 'payload') }
}

// Keys come from the project's own list, so a key or an address of keys in the header is not even looked at.
function checkHeader(header: Record<string, unknown>): Pick<ParsedToken, 'algorithm' | 'kid'> {
  const { alg, typ, kid } = header
  if (!ALGORITHMS.has(alg)) throw tokenRejected('algorithm')
  if (typ !== undefined && !(typeof typ === 'string' && typ.toUpperCase() === 'JWT')) {
    throw tokenRejected('algorithm', 'The JWT is of another type.')
  }
  for (const extension of ['crit', 'b64', 'zip', 'enc']) {
    if (Object.hasOwn(header, extension)) throw tokenRejected('algorithm', `The JWT has an unsupported header: ${extension}.`)
  }
  if (kid !== undefined && typeof kid !== 'string') throw tokenRejected('malformed', 'The kid of the JWT is not text.')
  return { algorithm: alg as SigningAlgorithm, kid }
}

function parsePart(part: string, name: string): Record<string, unknown> {
  if (!BASE64URL.test(part)) throw tokenRejected('malformed', `The ${name} of the JWT is not base64url.`)
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw tokenRejected('malformed', `The ${name} of the JWT is not base64url.`)
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw tokenRejected('malformed', `The ${name} of the JWT is not JSON.`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw tokenRejected('malformed', `The ${name} of the JWT is not an object.`)
  }
  if (hasTwinName(text)) throw tokenRejected('malformed', `The ${name} of the JWT names something twice.`)
  return value as Record<string, unknown>
}
