import type { Writable } from 'node:stream'
import type { LongMessage } from './wire-reader.ts'

/** What a stream needs of the connection that its bytes come from. */
export interface FieldSource {
  pause(): void
  resume(): void
  /** Bytes were taken: whoever reads is still there. */
  onProgress(): void
  /** Nobody wants the rest. */
  onAbandoned(): void
}

const BUFFERS = 4
const BUFFER_BYTES = 65_536

/** The last field of a long row, as it comes from the server; the server waits while nobody takes it. */
export class FieldStream {
  /** Bytes of the whole field. */
  readonly length: number
  readonly #source: FieldSource
  #left: number
  #target: Writable | undefined
  #isDestroyed = false
  /** Pieces that came before anybody wanted them. */
  #first: Piece[] = []
  // Filled, written and filled again: so that a hundred megabytes leave no more behind than one.
  readonly #free: Buffer[] = []
  #writing = 0
  #settle: ((error?: Error) => void) | undefined

  constructor(length: number, source: FieldSource) {
    this.length = length
    this.#left = length
    this.#source = source
  }

  /** Takes bytes that are valid only now. */
  accept(chunk: Buffer): void {
    this.#left -= chunk.length
    if (this.#isDestroyed) return
    const piece = this.#copy(chunk)
    if (this.#target !== undefined) return this.#write(this.#target, piece)
    this.#first.push(piece)
    this.#source.pause()
  }

  /** Writes all of it, and ends the target. Rejects when one of the two ends too early; then so does the other. */
  pipeTo(target: Writable): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => {
        this.#settle = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      if (this.#isDestroyed || target.destroyed) return this.destroy(new Error('The answer was given up.'))
      target.once('close', () => this.destroy(new Error('Whoever was reading has gone.')))
      target.on('error', () => {})
      this.#target = target
      this.#source.resume()
      for (const piece of this.#first.splice(0)) this.#write(target, piece)
    })
  }

  destroy(error: Error = new Error('The answer was given up.')): void {
    if (this.#isDestroyed || this.#isDone) return
    this.#isDestroyed = true
    this.#first = []
    this.#target?.destroy()
    if (this.#left > 0) this.#source.onAbandoned()
    this.#settle?.(error)
  }

  get #isDone(): boolean {
    return this.#left === 0 && this.#writing === 0 && this.#first.length === 0
  }

  #copy(chunk: Buffer): Piece {
    const kept = this.#free.pop()
    const buffer = kept !== undefined && kept.length >= chunk.length ? kept : Buffer.allocUnsafeSlow(Math.max(chunk.length, BUFFER_BYTES))
    chunk.copy(buffer)
    return { buffer, length: chunk.length }
  }

  #write(target: Writable, piece: Piece): void {
    this.#writing += 1
    target.write(piece.buffer.subarray(0, piece.length), () => this.#written(target, piece))
    if (this.#left > 0 && this.#writing >= BUFFERS) this.#source.pause()
  }

  #written(target: Writable, { buffer }: Piece): void {
    this.#writing -= 1
    if (this.#isDestroyed) return
    if (this.#free.length < BUFFERS) this.#free.push(buffer)
    this.#source.onProgress()
    if (this.#left > 0) return this.#source.resume()
    if (!this.#isDone) return
    target.end()
    this.#settle?.()
  }
}

interface Piece {
  buffer: Buffer
  length: number
}

/** A row that comes in many pieces: all fields but the last are gathered, the last one is streamed. */
export class LongRow implements LongMessage {
  readonly #open: (fields: (Buffer | null)[], length: number) => FieldStream
  #head: Buffer = Buffer.alloc(0)
  #stream: FieldStream | undefined

  /** `open` is told the fields before the last one, and how long that is. */
  constructor(open: (fields: (Buffer | null)[], length: number) => FieldStream) {
    this.#open = open
  }

  write(chunk: Buffer): void {
    if (this.#stream !== undefined) return this.#stream.accept(chunk)
    this.#head = Buffer.concat([this.#head, chunk])
    const found = readFieldsBeforeLast(this.#head)
    if (found === undefined) return
    this.#stream = this.#open(found.fields, found.length)
    this.#stream.accept(this.#head.subarray(found.end))
  }
}

/** The fields before the last one, and where that one begins; undefined as long as not all of that has come. */
function readFieldsBeforeLast(head: Buffer): { fields: (Buffer | null)[]; length: number; end: number } | undefined {
  if (head.length < 2) return undefined
  const count = head.readInt16BE(0)
  const fields: (Buffer | null)[] = []
  let at = 2
  for (;;) {
    if (at + 4 > head.length) return undefined
    const length = head.readInt32BE(at)
    at += 4
    if (fields.length === count - 1) return { fields, length: Math.max(0, length), end: at }
    if (at + Math.max(0, length) > head.length) return undefined
    fields.push(length === -1 ? null : head.subarray(at, (at += length)))
  }
}
