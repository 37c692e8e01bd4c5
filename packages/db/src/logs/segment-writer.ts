import { LOG_LEVELS, LOG_SERVICES, type LogLine } from '@polder/core'

/** Lines of one project in the order of their times: what becomes one row of `logs.segments`. */
export interface Segment {
  project: number
  lines: readonly BufferedLine[]
}

/** A line as it waits: its fields are text already. */
export interface BufferedLine extends Omit<LogLine, 'fields'> {
  fieldsJson?: string
}

const HEAD = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)])
const TYPES = { timestamptz: 1184, int2: 21, int4: 23, float4: 700, text: 25 }
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1)
const COLUMN_COUNT = 20
const LEVEL_NUMBERS = new Map<string, number>(LOG_LEVELS.map((level, number) => [level, number]))
const SERVICE_NUMBERS = new Map<string, number>(LOG_SERVICES.map((service, number) => [service, number]))

type TextColumn = 'requestId' | 'userId' | 'ip' | 'method' | 'path' | 'message' | 'fieldsJson'

/** The columns that are written, in this order. */
export const SEGMENT_COLUMNS =
  'project, from_at, to_at, lines, size, levels, services, at, level, service, request_id, user_id, ip, method, path, status, duration_ms, bytes, message, fields'

/** Writes segments in COPY's binary format. One is used again and again: it keeps its memory. */
export class SegmentWriter {
  #bytes = Buffer.allocUnsafe(1 << 18)
  #length = 0

  /** All rows of one COPY. The result is valid until the next call. */
  write(segments: readonly Segment[]): Buffer {
    this.#length = 0
    this.#room(HEAD.length)
    this.#length = HEAD.copy(this.#bytes)
    for (const segment of segments) this.#writeSegment(segment)
    this.#int16(-1)
    return this.#bytes.subarray(0, this.#length)
  }

  #writeSegment({ project, lines }: Segment): void {
    let levels = 0
    let services = 0
    for (const line of lines) {
      levels |= 1 << toLevelNumber(line)
      services |= 1 << toServiceNumber(line)
    }
    this.#int16(COLUMN_COUNT)
    this.#int4(project)
    this.#timestamp(lines[0]!.at)
    this.#timestamp(lines.at(-1)!.at)
    this.#int4(lines.length)
    const sizeAt = this.#length
    this.#int4(0)
    this.#int2(levels)
    this.#int4(services)
    const start = this.#length
    this.#array(TYPES.timestamptz, lines, (line) => this.#timestamp(line.at))
    this.#array(TYPES.int2, lines, (line) => this.#int2(toLevelNumber(line)))
    this.#array(TYPES.int2, lines, (line) => this.#int2(toServiceNumber(line)))
    for (const column of ['requestId', 'userId', 'ip', 'method', 'path'] as const) this.#texts(column, lines)
    this.#numbers('status', TYPES.int2, lines, (value) => this.#int2(clamp(value, 32_767)))
    this.#numbers('durationMs', TYPES.float4, lines, (value) => this.#float4(value))
    this.#numbers('bytes', TYPES.int4, lines, (value) => this.#int4(clamp(value, 2_147_483_647)))
    for (const column of ['message', 'fieldsJson'] as const) this.#texts(column, lines)
    this.#bytes.writeInt32BE(this.#length - start, sizeAt + 4)
  }

  #texts(column: TextColumn, lines: readonly BufferedLine[]): void {
    if (lines.every((line) => line[column] === undefined)) return this.#null()
    this.#array(TYPES.text, lines, (line) => {
      const text = line[column]
      if (text === undefined) this.#null()
      else this.#text(text)
    })
  }

  #numbers(column: 'status' | 'durationMs' | 'bytes', type: number, lines: readonly BufferedLine[], write: (value: number) => void): void {
    if (lines.every((line) => line[column] === undefined)) return this.#null()
    this.#array(type, lines, (line) => {
      const value = line[column]
      if (value === undefined) this.#null()
      else write(value)
    })
  }

  #array(type: number, lines: readonly BufferedLine[], write: (line: BufferedLine) => void): void {
    const start = this.#length
    this.#room(24)
    this.#length += 4
    // one dimension, nulls possible, lower bound 1
    for (const value of [1, 1, type, lines.length, 1]) this.#length = this.#bytes.writeInt32BE(value, this.#length)
    for (const line of lines) write(line)
    this.#bytes.writeInt32BE(this.#length - start - 4, start)
  }

  #text(text: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#room(text.length * 3 + 4)
    const length = this.#bytes.write(text, this.#length + 4, 'utf8')
    this.#bytes.writeInt32BE(length, this.#length)
    this.#length += length + 4
  }

  #timestamp(ms: number): void {
    const microseconds = (ms - POSTGRES_EPOCH_MS) * 1000
    this.#room(12)
    this.#bytes.writeInt32BE(8, this.#length)
    this.#bytes.writeInt32BE(Math.floor(microseconds / 4_294_967_296), this.#length + 4)
    this.#bytes.writeUInt32BE(((microseconds % 4_294_967_296) + 4_294_967_296) % 4_294_967_296, this.#length + 8)
    this.#length += 12
  }

  #float4(value: number): void {
    this.#room(8)
    this.#bytes.writeInt32BE(4, this.#length)
    this.#bytes.writeFloatBE(value, this.#length + 4)
    this.#length += 8
  }

  #int4(value: number): void {
    this.#room(8)
    this.#bytes.writeInt32BE(4, this.#length)
    this.#bytes.writeInt32BE(value, this.#length + 4)
    this.#length += 8
  }

  #int2(value: number): void {
    this.#room(6)
    this.#bytes.writeInt32BE(2, this.#length)
    this.#bytes.writeInt16BE(value, this.#length + 4)
    this.#length += 6
  }

  #null(): void {
    this.#room(4)
    this.#length = this.#bytes.writeInt32BE(-1, this.#length)
  }

  #int16(value: number): void {
    this.#room(2)
    this.#length = this.#bytes.writeInt16BE(value, this.#length)
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

function toLevelNumber({ level }: BufferedLine): number {
  return LEVEL_NUMBERS.get(level) ?? 1
}

function toServiceNumber({ service }: BufferedLine): number {
  return SERVICE_NUMBERS.get(service) ?? 0
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(Math.round(value), -max), max)
}
