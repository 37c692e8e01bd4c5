import { ServiceError } from '@polder/core'
import { hash, parseOptions, verify, type Options } from '@node-rs/argon2'
import { isCommonPassword } from './common-passwords.ts'

export interface PasswordOptions {
  /** KiB of memory, passes and lanes of Argon2id. */
  cost?: { memoryKib: number; passes: number; lanes: number }
  /** Hashes computed at the same time. */
  concurrency?: number
  /** Hashes that may wait their turn; beyond that `system.busy`. */
  queueLimit?: number
}

/** Hashes and compares passwords; heavy on purpose, so never more than a few at once. */
export interface Passwords {
  /** Throws `account.password_weak` for a password that is tried first by anybody who guesses. */
  requireStrong(password: string, email: string): void
  /** A PHC string of Argon2id. Throws `system.busy` when too many wait. */
  hash(password: string): Promise<string>
  /** Whether the password fits the hash; without a hash the same work, and false. */
  verify(hash: string | undefined, password: string): Promise<boolean>
  /** Whether the hash was made with other parameters than today's. */
  needsRehash(hash: string): boolean
}

// The const enum of the package cannot be used where types are only stripped.
const ARGON2ID = 2

/** Argon2id with 64 MiB, three passes and two lanes unless told otherwise. */
export function createPasswords({
  cost = { memoryKib: 65_536, passes: 3, lanes: 2 },
  concurrency = 2,
  queueLimit = 64,
}: PasswordOptions = {}): Passwords {
  const options: Options = { algorithm: ARGON2ID, memoryCost: cost.memoryKib, timeCost: cost.passes, parallelism: cost.lanes }
  const waiting: (() => void)[] = []
  let running = 0
  let decoy: Promise<string> | undefined

  async function takeTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= concurrency) {
      if (waiting.length >= queueLimit)
        throw new ServiceError('system.busy', { details: { retryAfterSeconds: 1 }, hint: 'Try again in a second.' })
      // Whoever ends hands its place on, so `running` stays as it is.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running++
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  return {
    requireStrong(password, email) {
      if (isCommonPassword(normalize(password), email)) throw new ServiceError('account.password_weak')
    },
    hash: (password) => takeTurn(() => hash(normalize(password), options)),
    async verify(stored, password) {
      decoy ??= hash('nobody has this password', options)
      const compared = stored ?? (await decoy)
      const isRight = await takeTurn(() => verify(compared, normalize(password)))
      return stored !== undefined && isRight
    },
    needsRehash(stored) {
      const { algorithm, memoryCost, timeCost, parallelism } = parseOptions(stored)
      return Number(algorithm) !== ARGON2ID || memoryCost !== cost.memoryKib || timeCost !== cost.passes || parallelism !== cost.lanes
    },
  }
}

/** Keyboards write one letter in several ways; each gives the same hash. */
function normalize(password: string): string {
  return password.normalize('NFC')
}
