import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** A JSON column: parsed when read, JSON text when written. */
type Json = ColumnType<unknown, string | null | undefined, string | null>

type Timestamp = ColumnType<Date | number | null, Date | string | undefined, Date | string>

/** Rows of schema storage, as migrations/project/*_storage_*.sql makes them; a test compares them with the catalogue. */
export interface StorageTables {
  'storage.buckets': StorageBucketsTable
  'storage.objects': StorageObjectsTable
  'storage.s3_multipart_uploads': StorageUploadsTable
  'storage.s3_multipart_uploads_parts': StoragePartsTable
}

/** One bucket; its id is its name. */
export interface StorageBucketsTable {
  id: string
  name: string
  owner: string | null
  created_at: Timestamp
  updated_at: Timestamp
  public: Generated<boolean | null>
  avif_autodetection: Generated<boolean | null>
  file_size_limit: string | null
  allowed_mime_types: string[] | null
  owner_id: string | null
}

/** One object; tenants' own SQL may have written it, so that almost everything can be null. */
export interface StorageObjectsTable {
  id: Generated<string>
  bucket_id: string | null
  name: string | null
  owner: string | null
  created_at: Timestamp
  updated_at: Timestamp
  last_accessed_at: Timestamp
  metadata: Json
  path_tokens: GeneratedAlways<string[] | null>
  version: string | null
  owner_id: string | null
  user_metadata: Json
}

/** One S3 upload in parts that is not complete. */
export interface StorageUploadsTable {
  id: string
  in_progress_size: Generated<string>
  upload_signature: string
  bucket_id: string
  key: string
  version: string
  owner_id: string | null
  created_at: Timestamp
  user_metadata: Json
  metadata: Json
}

/** One part of such an upload; the newest of a number counts. */
export interface StoragePartsTable {
  id: Generated<string>
  upload_id: string
  size: Generated<string>
  part_number: number
  bucket_id: string
  key: string
  etag: string
  owner_id: string | null
  version: string
  created_at: Timestamp
}
