import { createHash } from 'node:crypto'
import { isServiceError, ServiceError } from '@polder/core'
import type { OutgoingClient } from '../outgoing/index.ts'

/** Knows passwords that were leaked somewhere. */
export interface LeakedPasswords {
  /** Throws `auth.leak_check_unavailable` where the list cannot be asked. */
  has(password: string): Promise<boolean>
}

const RANGES = 'https://api.pwnedpasswords.com/range/'

/** Asks haveibeenpwned.com for every hash with the same first five characters, of a million passwords each; it never learns which is meant. */
export function createLeakedPasswords(outgoing: OutgoingClient, ranges = RANGES): LeakedPasswords {
  return {
    async has(password) {
      const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
      const request = { url: ranges + hash.slice(0, 5), headers: { 'add-padding': 'true' }, timeoutMs: 5_000, maxBytes: 262_144 }
      const answer = await outgoing.send(request).catch((cause: unknown) => {
        if (isServiceError(cause)) throw new ServiceError('auth.leak_check_unavailable', { cause })
        throw cause
      })
      if (answer.status !== 200) throw new ServiceError('auth.leak_check_unavailable')
      const found = answer.body
        .toString('latin1')
        .split(/\r?\n/)
        .find((line) => line.startsWith(`${hash.slice(5)}:`))
      // lines that only fill the answer up have a count of nothing
      return found !== undefined && !found.endsWith(':0')
    },
  }
}
