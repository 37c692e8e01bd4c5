import type { EntryRow, UploadedObject } from '@polder/adapters/storage'

/** A copied object as storage-api answers it. */
export function toObjectJson(made: UploadedObject) {
  return { id: made.id, name: made.name, bucket_id: made.bucket, version: made.version, metadata: made.metadata }
}

/** An entry of a listing; times in the form of JavaScript, or with all their digits. */
export function toEntryJson(entry: EntryRow) {
  return {
    name: entry.name,
    id: entry.id,
    updated_at: toTime(entry.updated_at),
    created_at: toTime(entry.created_at),
    last_accessed_at: toTime(entry.last_accessed_at),
    metadata: entry.metadata ?? null,
  }
}

function toTime(text: string | null): string | null {
  if (text === null) return null
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? text : date.toISOString()
}
