import type { LogEntry, LogExportFormat } from '@polder/core'

const COLUMNS = [
  'at',
  'level',
  'service',
  'message',
  'requestId',
  'userId',
  'ip',
  'method',
  'path',
  'status',
  'durationMs',
  'bytes',
  'fields',
  'id',
] as const satisfies readonly (keyof LogEntry)[]

/** Media types of the formats. */
export const EXPORT_TYPES: Record<LogExportFormat, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
}

/** The lines as pieces of one text. */
export async function* encodeExport(format: LogExportFormat, batches: AsyncIterable<LogEntry[]>): AsyncGenerator<string> {
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`
  if (format === 'json') yield '['
  let isFirst = true
  for await (const batch of batches) {
    if (format === 'csv') yield batch.map(toCsvLine).join('')
    else if (format === 'ndjson') yield batch.map((entry) => `${JSON.stringify(toExported(entry))}\n`).join('')
    else yield `${isFirst ? '\n' : ',\n'}${batch.map((entry) => JSON.stringify(toExported(entry))).join(',\n')}`
    isFirst = false
  }
  if (format === 'json') yield '\n]\n'
}

/** Without what the line does not have. */
function toExported(entry: LogEntry): Record<string, unknown> {
  return Object.fromEntries(COLUMNS.map((name) => [name, entry[name]]).filter(([, value]) => value !== null))
}

function toCsvLine(entry: LogEntry): string {
  return `${COLUMNS.map((name) => toCsvCell(entry[name])).join(',')}\r\n`
}

function toCsvCell(value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const text = value instanceof Date ? value.toISOString() : typeof value === 'string' ? value : JSON.stringify(value)
  // A spreadsheet would run what looks like a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
