import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PreparedStatements } from './prepared-statements.ts'
import { readError, readRow, WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function rowBody(fields: (string | null)[]): Buffer {
  const count = Buffer.from([fields.length >> 8, fields.length & 255])
  return Buffer.concat([
    count,
    ...fields.flatMap((field) => (field === null ? [int32(-1)] : [int32(Buffer.byteLength(field)), Buffer.from(field)])),
  ])
}

test('messages are the same however the bytes are cut', () => {
  const field = fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }), { nil: null })
  fc.assert(
    fc.property(fc.array(fc.array(field, { maxLength: 5 }), { maxLength: 20 }), fc.array(fc.nat(400)), (rows, cuts) => {
      const bytes = Buffer.concat(rows.flatMap((row) => [message('D', rowBody(row)), message('2', Buffer.alloc(0))]))
      const seen: (string | null)[][] = []
      let others = 0
      const reader = new WireReader((type, chunk, start, end) => {
        if (type === 0x44) seen.push(readRow(chunk, start, end).map((value) => value?.toString() ?? null))
        else others += 1
      })
      let at = 0
      for (const cut of cuts) reader.read(bytes.subarray(at, (at += cut)))
      reader.read(bytes.subarray(at))
      expect(seen).toEqual(rows.map((row) => row.map((value) => (value === null ? null : Buffer.from(value).toString()))))
      expect(others).toBe(rows.length)
    }),
    { numRuns: 300 },
  )
})

test('an error has the fields that pg gives it', () => {
  const body = Buffer.from('SERROR\0VERROR\0C23505\0Mduplicate ä\0DKey (id)\0snotes\0tt\0nt_pkey\0X?\0\0')
  expect(readError(body, 0, body.length)).toMatchObject({
    code: '23505',
    message: 'duplicate ä',
    detail: 'Key (id)',
    schema: 'notes',
    constraint: 't_pkey',
  })
})

test('what is written has the lengths that it says, also when the buffer grows', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 9_000 }), { nil: null }), { maxLength: 8 }), (values) => {
      const writer = new WireWriter()
      for (let round = 0; round < 2; round += 1) {
        writer.parse('name', 'select ä')
        writer.bindAndExecute('name', values)
        writer.close('name')
        writer.sync()
        const types: string[] = []
        const read: (string | null)[] = []
        new WireReader((type, chunk, start, end) => {
          types.push(String.fromCharCode(type))
          // portal, name, no formats: then the values, written as a row is
          if (type === 0x42) read.push(...readRow(chunk, start + 1 + 5 + 2, end).map((value) => value?.toString() ?? null))
        }).read(Buffer.from(writer.take()))
        expect(types).toEqual(['P', 'B', 'E', 'C', 'S'])
        expect(read).toEqual(values.map((value) => (value === null ? null : Buffer.from(value).toString())))
      }
    }),
    { numRuns: 200 },
  )
})

test('prepared statements: one a text and plan space, the least used go first, names are never used again', () => {
  const prepared = new PreparedStatements(10)
  const first = prepared.get('anon', 'select 1')
  expect(prepared.get('anon', 'select 1')).toBe(first)
  expect(prepared.get('authenticated', 'select 1').name).not.toBe(first.name)
  for (let index = 0; index < 20; index += 1) {
    prepared.get('anon', `select 'filler ${index}'`)
    prepared.get('anon', 'select 1')
  }
  const evicted = prepared.evict()
  expect(evicted).toHaveLength(13)
  expect(evicted).not.toContain(first)
  expect(prepared.evict()).toEqual([])
  const all = prepared.clear()
  expect(all).toHaveLength(9)
  const names = [...evicted, ...all].map((statement) => statement.name)
  expect(names).not.toContain(prepared.get('anon', 'select 1').name)
})
