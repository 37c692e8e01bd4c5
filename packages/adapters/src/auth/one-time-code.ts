import { createHash, randomInt } from 'node:crypto'

/** A random code of that many digits. */
export function makeCode(length: number): string {
  return Array.from({ length }, () => String(randomInt(10))).join('')
}

/** What is stored of a code and stands in links; the same as GoTrue's, so that links and rows of one are understood by the other. */
export function hashCode(address: string, code: string): string {
  return createHash('sha224')
    .update(address + code)
    .digest('hex')
}

const PKCE_PREFIX = 'pkce_'

/** The hash as a link of this flow has it: by the prefix GoTrue knows that the link was asked for with a code challenge. */
export function toLinkToken(hash: string, isPkce: boolean): string {
  return isPkce ? PKCE_PREFIX + hash : hash
}

/** Whether a link was asked for with a code challenge. */
export function isPkceToken(token: string): boolean {
  return token.startsWith(PKCE_PREFIX)
}

/** Whether the code that was typed is the one behind the stored token, of whichever flow. */
export function isCodeOf(stored: string | null, address: string, code: string): boolean {
  if (stored === null || stored === '') return false
  const hash = hashCode(address, code)
  return stored === hash || stored === PKCE_PREFIX + hash
}
