import { crc32 } from 'node:zlib'

export interface ZipEntry {
  name: string
  modifiedAt: Date
  bytes: number
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** What the list at the end says of a file that was written. */
interface Written {
  name: Buffer
  time: number
  bytes: number
  crc: number
  offset: number
}

const VERSION = 45
/** Sizes and sum follow the bytes; the name is UTF-8. */
const FLAGS = 0x0808
const MAX_32 = 0xffffffff
const MAX_16 = 0xffff

/** An archive of files as they are, not packed again, which is made while it is sent: nothing of it is kept. Of any size (ZIP64). */
export async function* zip(entries: AsyncIterable<ZipEntry>): AsyncGenerator<Uint8Array> {
  const written: Written[] = []
  let offset = 0
  for await (const { name, modifiedAt, bytes, content } of entries) {
    const entry: Written = { name: Buffer.from(name), time: toDosTime(modifiedAt), bytes, crc: 0, offset }
    const head = toLocalHeader(entry)
    yield head
    let length = 0
    for await (const chunk of content) {
      entry.crc = crc32(chunk, entry.crc)
      length += chunk.length
      yield chunk
    }
    if (length !== bytes) throw new Error(`${name} has ${length} bytes, not ${bytes}.`)
    const tail = toDescriptor(entry)
    yield tail
    offset += head.length + length + tail.length
    written.push(entry)
  }
  const list = written.map(toListed)
  yield* list
  yield toEnd(
    written.length,
    offset,
    list.reduce((sum, { length }) => sum + length, 0),
  )
}

const isLarge = ({ bytes }: Written): boolean => bytes >= MAX_32

function toLocalHeader(entry: Written): Buffer {
  const extra = isLarge(entry) ? toZip64Extra([0, 0]) : Buffer.alloc(0)
  const head = Buffer.alloc(30)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(VERSION, 4)
  head.writeUInt16LE(FLAGS, 6)
  head.writeUInt32LE(entry.time, 10)
  if (isLarge(entry)) {
    head.writeUInt32LE(MAX_32, 18)
    head.writeUInt32LE(MAX_32, 22)
  }
  head.writeUInt16LE(entry.name.length, 26)
  head.writeUInt16LE(extra.length, 28)
  return Buffer.concat([head, entry.name, extra])
}

function toDescriptor(entry: Written): Buffer {
  const wide = isLarge(entry)
  const tail = Buffer.alloc(wide ? 24 : 16)
  tail.writeUInt32LE(0x08074b50, 0)
  tail.writeUInt32LE(entry.crc, 4)
  for (const at of wide ? [8, 16] : [8, 12]) {
    if (wide) tail.writeBigUInt64LE(BigInt(entry.bytes), at)
    else tail.writeUInt32LE(entry.bytes, at)
  }
  return tail
}

function toListed(entry: Written): Buffer {
  const isFar = entry.offset >= MAX_32
  const wide = [...(isLarge(entry) ? [entry.bytes, entry.bytes] : []), ...(isFar ? [entry.offset] : [])]
  const extra = wide.length > 0 ? toZip64Extra(wide) : Buffer.alloc(0)
  const head = Buffer.alloc(46)
  head.writeUInt32LE(0x02014b50, 0)
  // Made on Unix, for the permissions of plain files.
  head.writeUInt16LE((3 << 8) | VERSION, 4)
  head.writeUInt16LE(VERSION, 6)
  head.writeUInt16LE(FLAGS, 8)
  head.writeUInt32LE(entry.time, 12)
  head.writeUInt32LE(entry.crc, 16)
  head.writeUInt32LE(Math.min(entry.bytes, MAX_32), 20)
  head.writeUInt32LE(Math.min(entry.bytes, MAX_32), 24)
  head.writeUInt16LE(entry.name.length, 28)
  head.writeUInt16LE(extra.length, 30)
  head.writeUInt32LE((0o100644 << 16) >>> 0, 38)
  head.writeUInt32LE(Math.min(entry.offset, MAX_32), 42)
  return Buffer.concat([head, entry.name, extra])
}

function toZip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * values.length, 2)
  for (const [i, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i)
  return extra
}

function toEnd(count: number, offset: number, length: number): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, MAX_16), 8)
  end.writeUInt16LE(Math.min(count, MAX_16), 10)
  end.writeUInt32LE(Math.min(length, MAX_32), 12)
  end.writeUInt32LE(Math.min(offset, MAX_32), 16)
  if (count < MAX_16 && offset < MAX_32 && length < MAX_32) return end
  const wide = Buffer.alloc(76)
  wide.writeUInt32LE(0x06064b50, 0)
  wide.writeBigUInt64LE(44n, 4)
  wide.writeUInt16LE((3 << 8) | VERSION, 12)
  wide.writeUInt16LE(VERSION, 14)
  for (const at of [24, 32]) wide.writeBigUInt64LE(BigInt(count), at)
  wide.writeBigUInt64LE(BigInt(length), 40)
  wide.writeBigUInt64LE(BigInt(offset), 48)
  wide.writeUInt32LE(0x07064b50, 56)
  wide.writeBigUInt64LE(BigInt(offset + length), 64)
  wide.writeUInt32LE(1, 72)
  return Buffer.concat([wide, end])
}

/** Time in the low half, date in the high half, of an entry since 1980; in UTC. */
function toDosTime(at: Date): number {
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107) - 1980
  const date = (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  return ((date << 16) | time) >>> 0
}
