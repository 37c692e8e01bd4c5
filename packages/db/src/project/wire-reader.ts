import { DatabaseError } from 'pg'

const HEADER_BYTES = 5
/** From this size on a message may be taken in pieces. */
const LONG_BYTES = 1_048_576

/** Takes the body of a message piece by piece. */
export interface LongMessage {
  write(piece: Buffer): void
}

/** Splits what the server sends into messages: `handle(type, chunk, start, end)` for the body of each, valid until it returns. */
export class WireReader {
  readonly #handle: (type: number, chunk: Buffer, start: number, end: number) => void
  readonly #beginLong: (type: number) => LongMessage | undefined
  #long: LongMessage | undefined
  #longLeft = 0
  #pieces: Buffer[] = []
  #have = 0
  #need = HEADER_BYTES

  /** `beginLong` is asked for each message of a megabyte and more; what it answers gets the body as it comes, and `handle` nothing of it. */
  constructor(
    handle: (type: number, chunk: Buffer, start: number, end: number) => void,
    beginLong: (type: number) => LongMessage | undefined = () => undefined,
  ) {
    this.#handle = handle
    this.#beginLong = beginLong
  }

  read(chunk: Buffer): void {
    if (this.#long !== undefined) return this.#readLong(this.#long, chunk)
    if (this.#have === 0) return this.#split(chunk)
    // A long message comes in many pieces; they are joined once, when the last one is there.
    this.#pieces.push(Buffer.from(chunk))
    this.#have += chunk.length
    if (this.#have < this.#need) return
    const joined = Buffer.concat(this.#pieces, this.#have)
    this.#pieces = []
    this.#have = 0
    this.#split(joined)
  }

  #split(chunk: Buffer): void {
    const length = chunk.length
    let at = 0
    let need = HEADER_BYTES
    while (at + HEADER_BYTES <= length) {
      const end = at + 1 + readInt32(chunk, at + 1)
      if (end > length) {
        if (end - at >= LONG_BYTES && this.#startLong(chunk, at, end)) return
        need = end - at
        break
      }
      this.#handle(chunk[at]!, chunk, at + HEADER_BYTES, end)
      at = end
    }
    if (at === length) return
    this.#pieces = [Buffer.from(at === 0 ? chunk : chunk.subarray(at))]
    this.#have = length - at
    this.#need = need
  }

  #startLong(chunk: Buffer, at: number, end: number): boolean {
    const long = this.#beginLong(chunk[at]!)
    if (long === undefined) return false
    this.#long = long
    this.#longLeft = end - at - HEADER_BYTES
    this.#readLong(long, chunk.subarray(at + HEADER_BYTES))
    return true
  }

  #readLong(long: LongMessage, chunk: Buffer): void {
    const piece = chunk.length <= this.#longLeft ? chunk : chunk.subarray(0, this.#longLeft)
    this.#longLeft -= piece.length
    if (this.#longLeft === 0) this.#long = undefined
    long.write(piece)
    if (piece.length < chunk.length) this.#split(chunk.subarray(piece.length))
  }
}

/** The fields of a DataRow, in a copy of their own. */
export function readRow(chunk: Buffer, start: number, end: number): (Buffer | null)[] {
  const count = (chunk[start]! << 8) | chunk[start + 1]!
  const row = new Array<Buffer | null>(count)
  const bytes = Buffer.from(chunk.subarray(start + 2, end))
  let at = 0
  for (let index = 0; index < count; index += 1) {
    const length = readInt32(bytes, at)
    at += 4
    if (length === -1) row[index] = null
    else row[index] = bytes.subarray(at, (at += length))
  }
  return row
}

const ERROR_FIELDS: Record<string, keyof DatabaseError> = {
  S: 'severity',
  C: 'code',
  D: 'detail',
  H: 'hint',
  P: 'position',
  p: 'internalPosition',
  q: 'internalQuery',
  W: 'where',
  s: 'schema',
  t: 'table',
  c: 'column',
  d: 'dataType',
  n: 'constraint',
  F: 'file',
  L: 'line',
  R: 'routine',
}

/** An ErrorResponse as `pg` would have thrown it. */
export function readError(chunk: Buffer, start: number, end: number): DatabaseError {
  const fields: Partial<Record<keyof DatabaseError, string>> = {}
  let message = ''
  for (let at = start; at < end && chunk[at] !== 0;) {
    const type = String.fromCharCode(chunk[at]!)
    const stop = chunk.indexOf(0, at + 1)
    const text = chunk.toString('utf8', at + 1, stop)
    const name = ERROR_FIELDS[type]
    if (type === 'M') message = text
    else if (name !== undefined) fields[name] = text
    at = stop + 1
  }
  return Object.assign(new DatabaseError(message, end - start, 'error'), fields)
}

function readInt32(chunk: Buffer, at: number): number {
  return (chunk[at]! << 24) | (chunk[at + 1]! << 16) | (chunk[at + 2]! << 8) | chunk[at + 3]!
}
