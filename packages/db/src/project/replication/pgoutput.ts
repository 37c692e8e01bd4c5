/** A table as the WAL describes it before its first change, and again after it has changed. */
export interface WalRelation {
  oid: number
  schema: string
  name: string
  /** `d` default, `n` nothing, `f` full, `i` an index. */
  identity: 'd' | 'n' | 'f' | 'i'
  columns: WalColumn[]
}

export interface WalColumn {
  name: string
  typeOid: number
  /** Whether it belongs to the replica identity. */
  isKey: boolean
}

/** Values in Postgres' text format, in the order of the relation's columns; undefined where an unchanged large value was left out. */
export type WalRow = (string | null | undefined)[]

/** What pgoutput (protocol version 1) says, message by message. */
export type WalEvent =
  | { kind: 'begin'; lsn: bigint; committedAt: number }
  | { kind: 'commit'; lsn: bigint; endLsn: bigint; committedAt: number }
  | { kind: 'relation'; relation: WalRelation }
  | { kind: 'insert'; relation: number; row: WalRow }
  | { kind: 'update'; relation: number; row: WalRow; old: WalRow | undefined }
  | { kind: 'delete'; relation: number; old: WalRow }
  | { kind: 'truncate'; relations: number[] }

/** Milliseconds from 1970 to 2000, where Postgres' clock begins. */
const POSTGRES_EPOCH_MS = 946_684_800_000

/** Decodes one message of pgoutput; undefined for those that say nothing of rows. */
export function decodeWal(message: Buffer): WalEvent | undefined {
  const reader = new MessageReader(message)
  switch (reader.byte()) {
    case 0x42: // B
      return { kind: 'begin', lsn: reader.int64(), committedAt: reader.time() }
    case 0x43: // C
      reader.byte()
      return { kind: 'commit', lsn: reader.int64(), endLsn: reader.int64(), committedAt: reader.time() }
    case 0x52: // R
      return { kind: 'relation', relation: readRelation(reader) }
    case 0x49: {
      // I
      const relation = reader.int32()
      reader.byte()
      return { kind: 'insert', relation, row: readRow(reader) }
    }
    case 0x55: {
      // U: the old values come only when the replica identity wants them
      const relation = reader.int32()
      const old = reader.byte() === 0x4e ? undefined : readRow(reader)
      if (old !== undefined) reader.byte()
      return { kind: 'update', relation, row: readRow(reader), old }
    }
    case 0x44: {
      // D
      const relation = reader.int32()
      reader.byte()
      return { kind: 'delete', relation, old: readRow(reader) }
    }
    case 0x54: {
      // T
      const count = reader.int32()
      reader.byte()
      return { kind: 'truncate', relations: Array.from({ length: count }, () => reader.int32()) }
    }
    default:
      return undefined
  }
}

function readRelation(reader: MessageReader): WalRelation {
  const oid = reader.int32()
  const schema = reader.text()
  const name = reader.text()
  const identity = String.fromCharCode(reader.byte()) as WalRelation['identity']
  const columns = Array.from({ length: reader.int16() }, () => {
    const isKey = (reader.byte() & 1) === 1
    const column = { name: reader.text(), typeOid: reader.int32(), isKey }
    reader.int32()
    return column
  })
  // An empty name stands for pg_catalog.
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, name, identity, columns }
}

function readRow(reader: MessageReader): WalRow {
  const count = reader.int16()
  const row = new Array<string | null | undefined>(count)
  for (let index = 0; index < count; index += 1) {
    const kind = reader.byte()
    row[index] = kind === 0x74 ? reader.sized() : kind === 0x6e ? null : undefined
  }
  return row
}

class MessageReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  int16(): number {
    return this.#bytes.readUInt16BE((this.#at += 2) - 2)
  }

  int32(): number {
    return this.#bytes.readUInt32BE((this.#at += 4) - 4)
  }

  int64(): bigint {
    return this.#bytes.readBigUInt64BE((this.#at += 8) - 8)
  }

  /** Milliseconds since 1970. */
  time(): number {
    return POSTGRES_EPOCH_MS + Number(this.#bytes.readBigInt64BE((this.#at += 8) - 8)) / 1000
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  sized(): string {
    const end = this.int32() + this.#at
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end
    return text
  }
}
