import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ServiceError } from '@polder/core'

/** Takes a body's chunks and says at the end whether they are what the client sent. */
export interface Checksum {
  take(chunk: Buffer): void
  /** Throws `storage.checksum_mismatch`. */
  check(expected: string): void
}

const NAMES = ['crc32', 'crc32c', 'sha1', 'sha256'] as const

/** The checksum that a header or a trailer of this name carries; undefined for one that is not known, which is not checked. */
export function findChecksum(header: string): Checksum | undefined {
  const name = NAMES.find((one) => header === `x-amz-checksum-${one}`)
  if (name === undefined) return undefined
  return name === 'crc32' || name === 'crc32c' ? ofCrc(name === 'crc32' ? crc32 : crc32c) : ofHash(createHash(name), 'base64')
}

/** MD5 as `Content-MD5` has it. */
export const md5Checksum = (): Checksum => ofHash(createHash('md5'), 'base64')

/** SHA-256 as `x-amz-content-sha256` has it. */
export const payloadChecksum = (): Checksum => ofHash(createHash('sha256'), 'hex')

function ofHash(hash: Hash, encoding: 'base64' | 'hex'): Checksum {
  return { take: (chunk) => void hash.update(chunk), check: (expected) => require(hash.digest(encoding) === expected) }
}

function ofCrc(update: (chunk: Buffer, value: number) => number): Checksum {
  let value = 0
  return {
    take: (chunk) => void (value = update(chunk, value)),
    check(expected) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value >>> 0)
      require(bytes.toString('base64') === expected)
    },
  }
}

function require(isSame: boolean): void {
  if (!isSame) throw new ServiceError('storage.checksum_mismatch')
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

function crc32c(chunk: Buffer, start: number): number {
  let value = ~start
  for (const byte of chunk) value = TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8)
  return ~value >>> 0
}
