import { createHmac, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'

/** What a signed link lets its holder do. */
export type LinkClaims =
  | { scope: 'download'; url: string; transform?: Record<string, unknown> }
  | { scope: 'upload'; url: string; upsert: boolean; owner?: string }

const HEADER = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
const MAX_LENGTH = 8192

/** A token that only this project made, and that only links understand: it has a key of its own. */
export function signLink(project: ProjectScope, claims: LinkClaims, expiresInSeconds: number): string {
  const iat = Math.floor(Date.now() / 1000)
  const payload = Buffer.from(JSON.stringify({ ...claims, iat, exp: iat + expiresInSeconds })).toString('base64url')
  return `${HEADER}.${payload}.${toSignature(project, `${HEADER}.${payload}`)}`
}

/**
 * What the token allows for this object. Asks no database. Throws `storage.token_invalid` for a token of another project, object or kind of
 * link, and `storage.token_expired`.
 */
export function readLink<Scope extends LinkClaims['scope']>(
  project: ProjectScope,
  token: string,
  scope: Scope,
  url: string,
): Extract<LinkClaims, { scope: Scope }> {
  const [header, payload, signature, ...rest] = token.length > MAX_LENGTH ? [] : token.split('.')
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw new ServiceError('storage.token_invalid', { message: 'Invalid Compact JWS' })
  }
  const expected = Buffer.from(toSignature(project, `${header}.${payload}`))
  const given = Buffer.from(signature)
  if (header !== HEADER || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new ServiceError('storage.token_invalid', { message: 'signature verification failed' })
  }
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as LinkClaims & { exp: number }
  if (claims.scope !== scope) throw new ServiceError('storage.token_invalid', { message: `Token is not scoped for ${scope}` })
  if (claims.url !== url) throw new ServiceError('storage.token_invalid')
  if (claims.exp * 1000 <= Date.now()) throw new ServiceError('storage.token_expired')
  return claims as Extract<LinkClaims, { scope: Scope }> & { exp: number }
}

function toSignature(project: ProjectScope, text: string): string {
  return createHmac('sha256', project.deriveKey('storage links')).update(text).digest('base64url')
}
