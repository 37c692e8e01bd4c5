import { availableParallelism } from 'node:os'
import { hash, parseOptions, verify, type Options } from '@node-rs/argon2'
import { createWorkQueue } from './work-queue.ts'

export interface PasswordHasher {
  /** A PHC string of Argon2id. Throws `system.busy` when too many passwords wait to be hashed. */
  hash(password: string): Promise<string>
  /**
   * Whether the password is the one that was hashed. Without a hash, or with one of a kind that it does not know, it works as
   * long and answers false, so that nobody learns from the clock which users exist.
   */
  verify(hashed: string | null, password: string): Promise<boolean>
}

export interface PasswordHasherOptions {
  /** Hashes computed at a time; each takes a thread and 19 MiB. */
  concurrency?: number
  /** Hashes that may wait; past it the answer is `system.busy`. */
  waiting?: number
  cost?: Pick<Options, 'memoryCost' | 'timeCost' | 'parallelism'>
}

/** OWASP's minimum for Argon2id: 19 MiB, two passes, one lane. */
const OWASP_COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** A project's owner may write any hash into auth.users; dearer ones than these would spend the whole server's memory and time. */
const DEAREST = { memoryCost: 65_536, timeCost: 6, parallelism: 4 }

/** Longer ones were never accepted as a new password. */
const LONGEST_PASSWORD = 1024

/** Hashes and verifies users' passwords off the event loop, a bounded number at a time. */
export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  // one of libuv's four threads stays free for files and name look-ups
  const { concurrency = Math.max(1, Math.min(3, availableParallelism())), waiting = 200, cost = OWASP_COST } = options
  const queue = createWorkQueue({ concurrency, waiting })
  let decoy: Promise<string> | undefined

  return {
    hash: (password) => queue.run(() => hash(password.normalize('NFC'), cost)),
    async verify(hashed, password) {
      const isCandidate = hashed !== null && isAffordable(hashed) && password.length <= LONGEST_PASSWORD
      decoy ??= hash('nobody has this password', cost)
      const against = isCandidate ? hashed : await decoy
      const text = password.length <= LONGEST_PASSWORD ? password : ''
      const isRight = await queue.run(() => verify(against, text.normalize('NFC')))
      return isRight && isCandidate
    },
  }
}

function isAffordable(hashed: string): boolean {
  if (!hashed.startsWith('$argon2id$')) return false
  try {
    const { memoryCost, timeCost, parallelism } = parseOptions(hashed)
    return memoryCost <= DEAREST.memoryCost && timeCost <= DEAREST.timeCost && parallelism <= DEAREST.parallelism
  } catch {
    return false
  }
}
