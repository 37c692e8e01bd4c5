import type { CallerStatement } from '@polder/db'
import { toStatement } from './statement.ts'

/** A row of storage.s3_multipart_uploads as JSON. */
export interface MultipartRow {
  id: string
  bucket_id: string
  key: string
  owner_id: string | null
  created_at: string
  metadata: { type?: string; cacheControl?: string } | null
  user_metadata: Record<string, unknown> | null
}

/** A row of storage.s3_multipart_uploads_parts as JSON. */
export interface PartRow {
  part_number: number
  size: number
  etag: string
  version: string
  created_at: string
}

const COLUMNS = `pg_catalog.json_build_object('id', u.id, 'bucket_id', u.bucket_id, 'key', u.key, 'owner_id', u.owner_id,
  'created_at', u.created_at, 'metadata', u.metadata, 'user_metadata', u.user_metadata)`

export function insertMultipart(upload: Omit<MultipartRow, 'created_at'>): CallerStatement {
  const text = `insert into storage.s3_multipart_uploads (id, upload_signature, bucket_id, key, version, owner_id, metadata, user_metadata)
    values ($1, '', $2, $3, $1, $4, $5::jsonb, $6::jsonb)`
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value))
  const values = [upload.id, upload.bucket_id, upload.key, upload.owner_id, json(upload.metadata), json(upload.user_metadata)]
  return toStatement('storage.s3.upload.part', text, values, false)
}

export function selectMultipart(id: string): CallerStatement {
  return toStatement('storage.s3.upload.part', `select ${COLUMNS} from storage.s3_multipart_uploads u where u.id = $1`, [id], true)
}

export function deleteMultipart(id: string): CallerStatement {
  return toStatement('storage.s3.upload.part', 'delete from storage.s3_multipart_uploads where id = $1', [id], false)
}

/** After the key, or after the upload of the key where one is named; null owner for all. */
export function selectMultiparts(
  bucket: string,
  prefix: string,
  after: { key: string; id: string },
  ownerId: string | null,
  limit: number,
): CallerStatement {
  const text = `select ${COLUMNS} from storage.s3_multipart_uploads u where u.bucket_id = $1 and pg_catalog.starts_with(u.key, $2)
    and ($3 = '' or u.key > $3 collate "C" or ($4 <> '' and u.key = $3 collate "C" and u.id > $4)) and ($5::text is null or u.owner_id = $5)
    order by u.key, u.id limit $6::integer`
  return toStatement('storage.s3.upload.part', text, [bucket, prefix, after.key, after.id, ownerId, String(limit)], true)
}

/** Answers the version that had the number before. */
export function upsertPart(upload: MultipartRow, part: Omit<PartRow, 'created_at'>): CallerStatement {
  const text = `insert into storage.s3_multipart_uploads_parts as p (upload_id, size, part_number, bucket_id, key, etag, owner_id, version)
    values ($1, $2::bigint, $3::integer, $4, $5, $6, $7, $8) on conflict (upload_id, part_number) do update
    set size = excluded.size, etag = excluded.etag, version = excluded.version, created_at = pg_catalog.now()
    returning pg_catalog.json_build_array(old.version)`
  const values = [
    upload.id,
    String(part.size),
    String(part.part_number),
    upload.bucket_id,
    upload.key,
    part.etag,
    upload.owner_id,
    part.version,
  ]
  return toStatement('storage.s3.upload.part', text, values, false)
}

export function selectParts(uploadId: string, after: number, limit: number): CallerStatement {
  const text = `select pg_catalog.json_build_object('part_number', part_number, 'size', size, 'etag', etag, 'version', version, 'created_at', created_at)
    from storage.s3_multipart_uploads_parts where upload_id = $1 and part_number > $2::integer order by part_number limit $3::integer`
  return toStatement('storage.s3.upload.part', text, [uploadId, String(after), String(limit)], true)
}
