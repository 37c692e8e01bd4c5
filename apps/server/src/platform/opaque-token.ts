import { createHash, randomBytes } from 'node:crypto'

/** 32 random bytes as text: cannot be guessed, so a fast hash is enough to store it by. */
export function makeOpaqueToken(prefix = ''): string {
  return prefix + randomBytes(32).toString('base64url')
}

/** What is stored instead of the token. */
export function hashOpaqueToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
