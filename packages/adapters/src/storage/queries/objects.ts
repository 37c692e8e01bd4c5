import type { CallerStatement } from '@polder/db'
import { toStatement, type StorageOperation } from './statement.ts'

/** A row of storage.objects as JSON; SQL of the project may have written anything. */
export interface ObjectRow {
  id: string
  bucket_id: string
  name: string
  version: string | null
  owner: string | null
  owner_id: string | null
  metadata: unknown
  user_metadata: unknown
  created_at: string | null
  updated_at: string | null
  last_accessed_at: string | null
}

const columnsOf = (of: string) =>
  `pg_catalog.json_build_object('id', ${of}.id, 'bucket_id', ${of}.bucket_id, 'name', ${of}.name, 'version', ${of}.version,
  'owner', ${of}.owner, 'owner_id', ${of}.owner_id, 'metadata', ${of}.metadata, 'user_metadata', ${of}.user_metadata,
  'created_at', ${of}.created_at, 'updated_at', ${of}.updated_at, 'last_accessed_at', ${of}.last_accessed_at)`

const COLUMNS = columnsOf('o')

export function selectObject(bucket: string, name: string, operation: StorageOperation): CallerStatement {
  const text = `select ${COLUMNS} from storage.objects o where o.bucket_id = $1 and o.name = $2`
  return toStatement(operation, text, [bucket, name], true)
}

/** No row where the bucket is not public, or not there; null where the object is not. */
export function selectPublicObject(bucket: string, name: string): CallerStatement {
  const text = `select case when o.id is not null then ${COLUMNS} end from storage.buckets b
    left join storage.objects o on o.bucket_id = b.id and o.name = $2 where b.id = $1 and b.public`
  return toStatement('storage.object.get_public', text, [bucket, name], true)
}

/** The names of these that there are. */
export function selectNames(bucket: string, names: readonly string[], operation: StorageOperation): CallerStatement {
  const text = `select pg_catalog.to_json(o.name) from storage.objects o where o.bucket_id = $1
    and o.name in (select pg_catalog.jsonb_array_elements_text($2::jsonb))`
  return toStatement(operation, text, [bucket, JSON.stringify(names)], true)
}

export interface ObjectValues {
  id: string
  bucket: string
  name: string
  owner: string | null
  ownerId: string | null
  version: string
  metadata: string
  userMetadata: string | null
}

const INSERT = `insert into storage.objects as o (id, bucket_id, name, owner, owner_id, version, metadata, user_metadata)
  values ($1::uuid, $2, $3, $4::uuid, $5, $6, $7::jsonb, $8::jsonb)`

const toValues = (object: ObjectValues) => [
  object.id,
  object.bucket,
  object.name,
  object.owner,
  object.ownerId,
  object.version,
  object.metadata,
  object.userMetadata,
]

// Without `returning`: that would ask for the right to read as well.
export function insertObject(object: ObjectValues, operation: StorageOperation): CallerStatement {
  return toStatement(operation, INSERT, toValues(object), false)
}

/** Answers the id, and version and size of what was there before. */
export function upsertObject(object: ObjectValues, operation: StorageOperation): CallerStatement {
  const text = `${INSERT} on conflict (bucket_id, name) do update set owner = excluded.owner, owner_id = excluded.owner_id,
    version = excluded.version, metadata = excluded.metadata, user_metadata = excluded.user_metadata
    returning pg_catalog.json_build_object('id', new.id, 'old', case when old.id is not null then ${columnsOf('old')} end)`
  return toStatement(operation, text, toValues(object), false)
}

export interface MoveValues {
  bucket: string
  name: string
  toBucket: string
  toName: string
  /** Absent where the bytes stay where they are. */
  version?: string | undefined
  owner: string | null
  ownerId: string | null
}

/** Answers the row, and version and size of what it was before. */
export function updateObjectName(move: MoveValues): CallerStatement {
  const text = `update storage.objects o set bucket_id = $3, name = $4, owner = coalesce($5::uuid, o.owner), owner_id = coalesce($6, o.owner_id),
    version = coalesce($7, o.version) where o.bucket_id = $1 and o.name = $2
    returning pg_catalog.json_build_object('id', new.id, 'old', ${columnsOf('old')})`
  const values = [move.bucket, move.name, move.toBucket, move.toName, move.owner, move.ownerId, move.version ?? null]
  return toStatement('storage.object.move', text, values, false)
}

/** Answers the rows that are gone. */
export function deleteObjects(bucket: string, names: readonly string[], operation: StorageOperation): CallerStatement {
  const text = `delete from storage.objects o where o.bucket_id = $1
    and o.name in (select pg_catalog.jsonb_array_elements_text($2::jsonb)) returning ${COLUMNS}`
  return toStatement(operation, text, [bucket, JSON.stringify(names)], false)
}

/** The next thousand of a bucket. */
export function deleteSomeObjects(bucket: string): CallerStatement {
  const text = `delete from storage.objects o where o.id in (select id from storage.objects where bucket_id = $1 limit 1000) returning ${COLUMNS}`
  return toStatement('storage.bucket.empty', text, [bucket], false)
}

/** Which of these versions an object of the bucket has. Fails, rather than hide rows, where row security would filter. */
export function selectVersions(bucket: string, versions: readonly string[]): CallerStatement {
  const text = `select pg_catalog.to_json(o.version) from storage.objects o where o.bucket_id = $1
    and o.version in (select pg_catalog.jsonb_array_elements_text($2::jsonb))`
  return toStatement('storage.object.list', text, [bucket, JSON.stringify(versions)], true)
}

export function hasObjects(bucket: string): CallerStatement {
  const text = `select pg_catalog.to_json(exists (select from storage.objects where bucket_id = $1)
    or exists (select from storage.s3_multipart_uploads where bucket_id = $1))`
  return toStatement('storage.bucket.delete', text, [bucket], true)
}
