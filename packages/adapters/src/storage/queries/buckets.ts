import type { CallerStatement } from '@polder/db'
import { toStatement } from './statement.ts'

/** A row of storage.buckets as JSON. */
export interface BucketRow {
  id: string
  name: string
  owner: string | null
  owner_id: string | null
  public: boolean | null
  file_size_limit: number | null
  allowed_mime_types: string[] | null
  created_at: string
  updated_at: string
}

const COLUMNS = `pg_catalog.json_build_object('id', id, 'name', name, 'owner', owner, 'owner_id', owner_id, 'public', public,
  'file_size_limit', file_size_limit, 'allowed_mime_types', allowed_mime_types, 'created_at', created_at, 'updated_at', updated_at)`

export function selectBucket(id: string): CallerStatement {
  return toStatement('storage.bucket.get', `select ${COLUMNS} from storage.buckets where id = $1`, [id], true)
}

export interface BucketListing {
  limit?: number | undefined
  offset?: number | undefined
  sortColumn?: 'id' | 'name' | 'created_at' | 'updated_at' | undefined
  sortOrder?: 'asc' | 'desc' | undefined
  search?: string | undefined
}

/** All of them, or those whose name contains the search in either case. */
export function selectBuckets({ limit, offset, sortColumn = 'name', sortOrder = 'asc', search }: BucketListing): CallerStatement {
  const text = `select ${COLUMNS} from storage.buckets
    where $1::text is null or pg_catalog.strpos(pg_catalog.lower(name), pg_catalog.lower($1)) > 0
    order by ${sortColumn} ${sortOrder}, id limit $2::bigint offset $3::bigint`
  return toStatement('storage.bucket.list', text, [search ?? null, limit?.toString() ?? null, (offset ?? 0).toString()], true)
}

export interface BucketValues {
  id: string
  ownerId: string | null
  owner: string | null
  isPublic: boolean
  fileSizeLimit: number | null
  allowedMimeTypes: readonly string[] | null
}

const TYPES = `(select pg_catalog.array_agg(type) from pg_catalog.jsonb_array_elements_text(?::jsonb) as given (type))`

// Without `returning`: that would ask for the right to read as well.
export function insertBucket(bucket: BucketValues): CallerStatement {
  const text = `insert into storage.buckets (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
    values ($1, $1, $2::uuid, $3, $4::boolean, $5::bigint, ${TYPES.replace('?', '$6')})`
  const values = [bucket.id, bucket.owner, bucket.ownerId, String(bucket.isPublic), bucket.fileSizeLimit?.toString() ?? null]
  return toStatement('storage.bucket.create', text, [...values, toJson(bucket.allowedMimeTypes)], false)
}

/** Changes what is given; answers the row. */
export function updateBucket(id: string, changes: Partial<BucketValues>): CallerStatement {
  const sets: string[] = ['updated_at = pg_catalog.now()']
  const values: (string | null)[] = [id]
  const set = (column: string, value: string | null, cast: string) =>
    sets.push(`${column} = ${cast.replace('?', `$${values.push(value)}`)}`)
  if (changes.isPublic !== undefined) set('public', String(changes.isPublic), '?::boolean')
  if (changes.fileSizeLimit !== undefined) set('file_size_limit', changes.fileSizeLimit?.toString() ?? null, '?::bigint')
  if (changes.allowedMimeTypes !== undefined) set('allowed_mime_types', toJson(changes.allowedMimeTypes), TYPES)
  const text = `update storage.buckets set ${sets.join(', ')} where id = $1 returning ${COLUMNS}`
  return toStatement('storage.bucket.update', text, values, false)
}

export function deleteBucket(id: string): CallerStatement {
  return toStatement('storage.bucket.delete', 'delete from storage.buckets where id = $1 returning 1', [id], false)
}

function toJson(types: readonly string[] | null): string | null {
  return types === null ? null : JSON.stringify(types)
}
