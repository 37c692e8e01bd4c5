import type { ObjectRow } from './queries/objects.ts'

/** What `storage.objects.metadata` holds of a file, under Supabase's names. */
export interface FileMetadata {
  eTag: string
  size: number
  mimetype: string
  cacheControl: string
  lastModified: string
  contentLength: number
  httpStatusCode: number
}

/** One object as the adapter knows it. */
export interface StoredFile {
  id: string
  bucket: string
  name: string
  version: string | null
  ownerId: string | null
  owner: string | null
  bytes: number
  type: string
  cacheControl: string
  /** With its quotes. */
  etag: string
  userMetadata: Record<string, unknown> | null
  lastModified: Date
  createdAt: Date
  updatedAt: Date
  lastAccessedAt: Date
  /** The row's own `metadata`, whatever is in it. */
  metadata: Record<string, unknown>
}

export function toFileMetadata(file: { etag: string; bytes: number; type: string; cacheControl: string }): FileMetadata {
  return {
    eTag: file.etag,
    size: file.bytes,
    mimetype: file.type,
    cacheControl: file.cacheControl,
    lastModified: new Date().toISOString(),
    contentLength: file.bytes,
    httpStatusCode: 200,
  }
}

/** The row as an object; SQL of the project may have left out anything. */
export function toStoredFile(row: ObjectRow): StoredFile {
  const metadata = toRecord(row.metadata) ?? {}
  const updatedAt = toDate(row.updated_at)
  const lastModified = new Date(toText(metadata.lastModified, ''))
  return {
    id: row.id,
    bucket: row.bucket_id,
    name: row.name,
    version: row.version,
    ownerId: row.owner_id,
    owner: row.owner,
    bytes: toBytes(metadata.size),
    type: toText(metadata.mimetype, 'application/octet-stream'),
    cacheControl: toText(metadata.cacheControl, 'no-cache'),
    etag: toText(metadata.eTag, ''),
    userMetadata: toRecord(row.user_metadata),
    lastModified: Number.isNaN(lastModified.getTime()) ? updatedAt : lastModified,
    createdAt: toDate(row.created_at),
    updatedAt,
    lastAccessedAt: toDate(row.last_accessed_at),
    metadata,
  }
}

export function toRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
}

function toText(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback
}

function toBytes(value: unknown): number {
  const bytes = typeof value === 'string' ? Number(value) : value
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : 0
}

/** Of what Postgres says as JSON; `infinity` is no date. */
export function toDate(text: string | null): Date {
  const date = new Date(text ?? 0)
  return Number.isNaN(date.getTime()) ? new Date(0) : date
}
