import { createHash, createHmac, randomBytes } from 'node:crypto'

const PATTERN = /^[A-Za-z0-9_-]{43}$/

/** A new refresh token: 32 random bytes as base64url. */
export function makeRefreshToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Whether the text can be a refresh token of ours. */
export function isRefreshToken(text: unknown): text is string {
  return typeof text === 'string' && PATTERN.test(text)
}

/** What the database keeps of a token. */
export function hashRefreshToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * The successor, readable only by whoever has the token that it replaces: a client that asks twice with one token gets the same
 * successor, and a stolen copy of the table gives none. Each token has one successor, so its mask is used once.
 */
export function sealSuccessor(token: string, successor: string): Buffer {
  return mask(token, Buffer.from(successor, 'base64url'))
}

/** The successor that was sealed for this token, or undefined if it is none of ours. */
export function unsealSuccessor(token: string, sealed: Buffer): string | undefined {
  if (sealed.length !== 32) return undefined
  return mask(token, sealed).toString('base64url')
}

function mask(token: string, bytes: Buffer): Buffer {
  const key = createHmac('sha256', token).update('successor of a refresh token').digest()
  return Buffer.from(bytes.map((byte, index) => byte ^ key[index]!))
}
