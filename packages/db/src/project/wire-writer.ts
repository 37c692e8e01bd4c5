const FIRST_BYTES = 4_096
const KEPT_BYTES = 65_536
const MEASURED_LENGTH = 10_000

const PARSE = 0x50
const BIND = 0x42
const EXECUTE = 0x45
const CLOSE = 0x43
const SYNC = 0x53
const STATEMENT = 0x53

/**
 * Frontend messages of Postgres' protocol, put one after the other into one buffer, which is used again for what comes
 * next: whoever takes it writes it at once, or gives the buffer up.
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #end = 0

  /** Prepares a statement; Postgres infers the types of its values. */
  parse(name: string, text: string): void {
    const start = this.#begin(PARSE)
    this.#text(name)
    this.#byte(0)
    this.#text(text)
    this.#byte(0)
    this.#int16(0)
    this.#finish(start)
  }

  /** Binds values in text format to the unnamed portal and runs it; the result comes in text format. */
  bindAndExecute(name: string, values: readonly (string | null)[]): void {
    const start = this.#begin(BIND)
    this.#byte(0)
    this.#text(name)
    this.#byte(0)
    this.#int16(0)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#int16(0)
    this.#finish(start)
    const execute = this.#begin(EXECUTE)
    this.#byte(0)
    this.#int32(0)
    this.#finish(execute)
  }

  close(name: string): void {
    const start = this.#begin(CLOSE)
    this.#byte(STATEMENT)
    this.#text(name)
    this.#byte(0)
    this.#finish(start)
  }

  sync(): void {
    this.#finish(this.#begin(SYNC))
  }

  /** What was written since the last time, valid until the next message is put in. */
  take(): Buffer {
    const batch = this.#buffer.subarray(0, this.#end)
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES)
    this.#end = 0
    return batch
  }

  /** Leaves the buffer to whoever took it last. */
  giveUpBuffer(): void {
    this.#buffer = Buffer.allocUnsafe(FIRST_BYTES)
  }

  #begin(type: number): number {
    this.#reserve(5)
    this.#buffer[this.#end] = type
    const start = this.#end + 1
    this.#end += 5
    return start
  }

  #finish(start: number): void {
    this.#putInt32(start, this.#end - start)
  }

  #value(value: string | null): void {
    if (value === null) return this.#int32(-1)
    this.#reserve(4)
    const start = this.#end
    this.#end += 4
    this.#text(value)
    this.#putInt32(start, this.#end - start - 4)
  }

  #text(text: string): void {
    // Measuring a long text costs less than three times the place for it.
    this.#reserve(text.length < MEASURED_LENGTH ? text.length * 3 : Buffer.byteLength(text))
    this.#end += this.#buffer.write(text, this.#end, 'utf8')
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#end++] = value
  }

  #int16(value: number): void {
    this.#reserve(2)
    this.#buffer[this.#end++] = value >>> 8
    this.#buffer[this.#end++] = value
  }

  #int32(value: number): void {
    this.#reserve(4)
    this.#putInt32(this.#end, value)
    this.#end += 4
  }

  #putInt32(at: number, value: number): void {
    const buffer = this.#buffer
    buffer[at] = value >>> 24
    buffer[at + 1] = value >>> 16
    buffer[at + 2] = value >>> 8
    buffer[at + 3] = value
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + bytes))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}
