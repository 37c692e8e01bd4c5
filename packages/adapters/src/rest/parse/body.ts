import { isUtf8 } from 'node:buffer'
import { bodyInvalid } from '../fault.ts'
import { parseCsv } from './csv.ts'
import { type MediaType, toMime } from './media-type.ts'
import { decodeQueryText } from './query-shape.ts'

/** What a request sends, as far as the plan depends on it (all but `text`), and the text that goes along as one value. */
export type Payload =
  | { kind: 'json'; text: string; keys: string[]; isObject: boolean }
  | { kind: 'raw'; text: string }
  | { kind: 'form'; entries: { name: string; value: string }[] }

export interface BodyInput {
  body: Buffer | null
  contentType: MediaType
  /** Whether a function is called, which also takes plain text, XML and bytes. */
  isCall: boolean
  /** `columns`, which names the keys instead of the payload. */
  columns: string[] | null
}

/** Reads the body of a write or call. Throws PGRST102. */
export function parseBody({ body, contentType, isCall, columns }: BodyInput): Payload {
  const bytes = body ?? Buffer.alloc(0)
  if (contentType.kind === 'binary' && isCall) return { kind: 'raw', text: `\\x${bytes.toString('hex')}` }
  if (!isUtf8(bytes)) throw bodyInvalid('Empty or invalid json')
  const text = bytes.toString('utf8')
  switch (contentType.kind) {
    case 'json':
      if (columns !== null) return { kind: 'json', text, keys: columns, isObject: isObjectText(text) }
      return text === '' && isCall ? { kind: 'json', text: '{}', keys: [], isObject: true } : readJson(text)
    case 'csv':
      return readCsv(text)
    case 'form': {
      const entries = readForm(text)
      if (isCall) return { kind: 'form', entries }
      const object = JSON.stringify(Object.fromEntries(entries.map(({ name, value }) => [name, value])))
      return { kind: 'json', text: object, keys: sortKeys(entries.map(({ name }) => name)), isObject: true }
    }
    case 'text':
    case 'xml':
      if (isCall) return { kind: 'raw', text }
  }
  throw bodyInvalid(`Content-Type not acceptable: ${toMime(contentType)}`)
}

function isObjectText(text: string): boolean {
  return /^[ \t\n\r]*\{/.test(text)
}

function readJson(text: string): Payload {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw bodyInvalid('Empty or invalid json')
  }
  if (Array.isArray(value)) {
    const keys = readKeys(value)
    if (keys === undefined) throw bodyInvalid('All object keys must match')
    return { kind: 'json', text, keys, isObject: false }
  }
  if (typeof value === 'object' && value !== null) return { kind: 'json', text, keys: sortKeys(Object.keys(value)), isObject: true }
  // A bare string or number is no row; it inserts nothing.
  return { kind: 'json', text: '[]', keys: [], isObject: false }
}

/** The keys that all objects share; undefined if they differ. */
function readKeys(rows: unknown[]): string[] | undefined {
  const first = rows[0]
  if (first === undefined) return []
  if (!isRecord(first)) return undefined
  const keys = Object.keys(first)
  const known = new Set(keys)
  for (const row of rows) {
    if (!isRecord(row)) return undefined
    let count = 0
    for (const key in row) {
      if (!known.has(key)) return undefined
      count += 1
    }
    if (count !== keys.length) return undefined
  }
  return sortKeys(keys)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sortKeys(keys: string[]): string[] {
  return [...new Set(keys)].toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0))
}

function readForm(text: string): { name: string; value: string }[] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const separator = part.indexOf('=')
      const name = separator === -1 ? part : part.slice(0, separator)
      return { name: decodeQueryText(name), value: separator === -1 ? '' : decodeQueryText(part.slice(separator + 1)) }
    })
}

function readCsv(text: string): Payload {
  const [header = [], ...lines] = parseCsv(text)
  if (lines.some((line) => line.length !== header.length)) throw bodyInvalid('All lines must have same number of fields')
  const rows = lines.map((line) => Object.fromEntries(header.map((name, index) => [name, line[index] === 'NULL' ? null : line[index]])))
  return { kind: 'json', text: JSON.stringify(rows), keys: rows.length === 0 ? [] : sortKeys(header), isObject: false }
}
