import { createHash, type Hash } from 'node:crypto'
import { ServiceError } from '@polder/core'

/** Counts and hashes a body while it comes in. */
export class BodyMeter {
  bytes = 0
  readonly #limit: number
  readonly #tooLarge: () => ServiceError
  readonly #hash: Hash
  readonly #algorithm: 'sha256' | 'md5'
  readonly #more: readonly ((chunk: Buffer) => void)[]

  /** `md5` where S3 tools will compare the tag with one; sha256 costs half of it. */
  constructor(
    limit: number,
    algorithm: 'sha256' | 'md5',
    more: readonly ((chunk: Buffer) => void)[] = [],
    tooLarge = () => new ServiceError('storage.object_too_large'),
  ) {
    this.#limit = limit
    this.#algorithm = algorithm
    this.#hash = createHash(algorithm)
    this.#more = more
    this.#tooLarge = tooLarge
  }

  /** Throws when there is more than allowed. */
  readonly take = (chunk: Buffer): void => {
    this.bytes += chunk.length
    if (this.bytes > this.#limit) throw this.#tooLarge()
    this.#hash.update(chunk)
    for (const more of this.#more) more(chunk)
  }

  /** The tag of what was taken, with its quotes. */
  toEtag(): string {
    const digest = this.#hash.digest('hex')
    return `"${this.#algorithm === 'md5' ? digest : digest.slice(0, 48)}"`
  }
}
