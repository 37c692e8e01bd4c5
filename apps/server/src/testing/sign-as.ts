import { createHmac, createPrivateKey, sign, type JsonWebKey } from 'node:crypto'

/** A token as somebody else's program signs it with a private or shared JWK. */
export function signAs(jwk: JsonWebKey & { kid?: string }, claims: object): string {
  const alg = jwk.kty === 'oct' ? 'HS256' : jwk.kty === 'EC' ? 'ES256' : 'RS256'
  const signed = [{ alg, typ: 'JWT', ...(jwk.kid && { kid: jwk.kid }) }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  if (alg === 'HS256') return `${signed}.${createHmac('sha256', Buffer.from(jwk.k!, 'base64url')).update(signed).digest('base64url')}`
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** The header of a token, read and not checked. */
export function decodeHeader(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>
}
