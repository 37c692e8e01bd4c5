import { availableParallelism } from 'node:os'
import type { AuthSettings } from '@polder/core'
import { hash, parseOptions, verify, type Options } from '@node-rs/argon2'
import { parseOptions as parseBcrypt, verify as verifyBcrypt } from '@node-rs/bcrypt'
import { createWorkQueue } from './work-queue.ts'

/** KiB of memory, passes and lanes of Argon2id. */
export type PasswordCost = Required<Pick<Options, 'memoryCost' | 'timeCost' | 'parallelism'>>

export interface PasswordHasher {
  /** A PHC string of Argon2id. Throws `system.busy` when too many passwords wait to be hashed. */
  hash(password: string, cost: PasswordCost): Promise<string>
  /**
   * Whether the password is the one that was hashed, by Argon2id or, as in rows imported from Supabase, by bcrypt. Without a hash,
   * or with one of a kind that it does not know, it works as long and answers false, so that nobody learns from the clock which
   * users exist.
   */
  verify(hashed: string | null, password: string, cost: PasswordCost): Promise<boolean>
  /** Whether the hash is of another kind or cost than a new one would be. */
  needsRehash(hashed: string, cost: PasswordCost): boolean
}

export interface PasswordHasherOptions {
  /** Hashes computed at a time; each takes a thread and its memory. */
  concurrency?: number
  /** Hashes that may wait; past it the answer is `system.busy`. */
  waiting?: number
}

/** A project's owner may write any hash into auth.users; dearer ones than these would spend the whole server's memory and time. */
const DEAREST = { memoryCost: 65_536, timeCost: 6, parallelism: 4, bcrypt: 14 }

/** Longer ones were never accepted as a new password. */
const LONGEST_PASSWORD = 1024

const ARGON2ID = '$argon2id$'
const BCRYPT = /^\$2[abxy]\$/

/** Hashes and verifies users' passwords off the event loop, a bounded number at a time for all projects together. */
export function createPasswordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  // one of libuv's four threads stays free for files and name look-ups
  const { concurrency = Math.max(1, Math.min(3, availableParallelism())), waiting = 200 } = options
  const queue = createWorkQueue({ concurrency, waiting })
  const decoys = new Map<string, Promise<string>>()

  function findDecoy(cost: PasswordCost): Promise<string> {
    const key = JSON.stringify(cost)
    let decoy = decoys.get(key)
    if (decoy === undefined) {
      if (decoys.size >= 100) decoys.clear()
      decoy = hash('nobody has this password', cost)
      decoys.set(key, decoy)
    }
    return decoy
  }

  return {
    hash: (password, cost) => queue.run(() => hash(password.normalize('NFC'), cost)),
    async verify(hashed, password, cost) {
      const isCandidate = hashed !== null && isUsableHash(hashed) && password.length <= LONGEST_PASSWORD
      const against = isCandidate ? hashed : await findDecoy(cost)
      const text = password.length <= LONGEST_PASSWORD ? password : ''
      const isRight = await queue.run(() => (BCRYPT.test(against) ? verifyBcrypt(text, against) : verify(against, text.normalize('NFC'))))
      return isRight && isCandidate
    },
    needsRehash(hashed, cost) {
      if (!hashed.startsWith(ARGON2ID)) return true
      const { memoryCost, timeCost, parallelism } = parseOptions(hashed)
      return memoryCost !== cost.memoryCost || timeCost !== cost.timeCost || parallelism !== cost.parallelism
    },
  }
}

/** What hashing costs in a project. */
export function toPasswordCost(settings: AuthSettings): PasswordCost {
  return {
    memoryCost: settings.passwordArgon2MemoryKib,
    timeCost: settings.passwordArgon2Passes,
    parallelism: settings.passwordArgon2Lanes,
  }
}

/** Whether passwords can be compared with the hash: it is of a kind that is known, and no dearer than may be. */
export function isUsableHash(hashed: string): boolean {
  try {
    if (BCRYPT.test(hashed)) return parseBcrypt(hashed).cost <= DEAREST.bcrypt
    if (!hashed.startsWith(ARGON2ID)) return false
    const { memoryCost, timeCost, parallelism } = parseOptions(hashed)
    return memoryCost <= DEAREST.memoryCost && timeCost <= DEAREST.timeCost && parallelism <= DEAREST.parallelism
  } catch {
    return false
  }
}
