import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { ServiceError } from '@polder/core'
import { findChecksum, type Checksum } from './checksums.ts'
import { isSame, mismatch, sign, type S3Signature } from './signature.ts'

const EMPTY_SHA256 = createHash('sha256').digest('hex')
const MAX_HEAD = 16_384

/**
 * The bytes inside of an `aws-chunked` body. Chunks are signed one after the other, beginning with the request's own signature, and a
 * trailer follows where the client said that one would. Breaks off with an error at the first thing that is not so.
 */
export function readChunkedBody(source: Readable, signed: S3Signature, trailerNames: readonly string[]): Readable {
  return Readable.from(decode(source, signed, trailerNames), { objectMode: false })
}

async function* decode(source: Readable, signed: S3Signature, trailerNames: readonly string[]): AsyncGenerator<Buffer> {
  const isSigned = signed.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
  const hasTrailer = signed.payload.endsWith('-TRAILER')
  const reader = new LineReader(source)
  const checksums = trailerNames.map((name) => ({ name, checksum: findChecksum(name) }))
  let previous = signed.signature
  for (;;) {
    const [size = '', ...extensions] = (await reader.readLine()).split(';')
    if (!/^[0-9a-fA-F]{1,12}$/.test(size)) throw malformed()
    const length = Number.parseInt(size, 16)
    const hash = isSigned ? createHash('sha256') : undefined
    for (let left = length; left > 0;) {
      const bytes = await reader.readSome(left)
      left -= bytes.length
      hash?.update(bytes)
      for (const { checksum } of checksums) checksum?.take(bytes)
      yield bytes
    }
    if (hash) {
      const given = extensions.find((one) => one.startsWith('chunk-signature='))?.slice('chunk-signature='.length) ?? ''
      const text = `AWS4-HMAC-SHA256-PAYLOAD\n${signed.date}\n${signed.scope}\n${previous}\n${EMPTY_SHA256}\n${hash.digest('hex')}`
      previous = sign(signed.key!, text)
      if (!isSame(previous, given)) throw mismatch('A chunk has another signature than its bytes.')
    }
    if (length === 0) break
    if ((await reader.readLine()) !== '') throw malformed()
  }
  if (hasTrailer) await readTrailer(reader, signed, isSigned ? previous : undefined, checksums)
  await reader.drain()
}

async function readTrailer(
  reader: LineReader,
  signed: S3Signature,
  previous: string | undefined,
  checksums: { name: string; checksum: Checksum | undefined }[],
): Promise<void> {
  const trailers = new Map<string, string>()
  for (let line = await reader.readLine(); line !== ''; line = await reader.readLine(true)) {
    const colon = line.indexOf(':')
    if (colon < 1) throw malformed()
    trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  if (previous !== undefined) {
    const lines = checksums.map(({ name }) => `${name}:${trailers.get(name) ?? ''}\n`).join('')
    const hash = createHash('sha256').update(lines).digest('hex')
    const expected = sign(signed.key!, `AWS4-HMAC-SHA256-TRAILER\n${signed.date}\n${signed.scope}\n${previous}\n${hash}`)
    if (!isSame(expected, trailers.get('x-amz-trailer-signature') ?? '')) throw mismatch('The trailer has another signature.')
  }
  for (const { name, checksum } of checksums) {
    const given = trailers.get(name)
    if (given === undefined) throw malformed()
    checksum?.check(given)
  }
}

function malformed(): ServiceError {
  return new ServiceError('storage.request_invalid', { message: 'The chunked body is malformed or incomplete.' })
}

/** Lines and bytes of a stream, in turn. */
class LineReader {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)
  #isEnded = false

  constructor(source: Readable) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async readLine(mayEnd = false): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#rest.toString('latin1', 0, end)
        this.#rest = this.#rest.subarray(end + 2)
        return line
      }
      if (this.#rest.length > MAX_HEAD) throw malformed()
      if (await this.#more()) continue
      if (mayEnd && this.#rest.length === 0) return ''
      throw malformed()
    }
  }

  async readSome(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) if (!(await this.#more())) throw malformed()
    const bytes = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(bytes.length)
    return bytes
  }

  async drain(): Promise<void> {
    while (await this.#more()) this.#rest = Buffer.alloc(0)
  }

  async #more(): Promise<boolean> {
    if (this.#isEnded) return false
    const { value, done } = await this.#source.next()
    if (done === true) {
      this.#isEnded = true
      return false
    }
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value])
    return true
  }
}
