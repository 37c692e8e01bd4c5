import type { CallerStatement } from '@polder/db'

// Functions that policies call may look names up where Supabase's storage does.
const SEARCH_PATH = ['storage', 'public', 'extensions']

const REQUEST = { method: 'POST', path: '/storage/v1', headers: '{}', cookies: '{}' }

/** What policies read as `storage.operation()`, by Supabase's names. */
export type StorageOperation =
  | 'storage.bucket.create'
  | 'storage.bucket.get'
  | 'storage.bucket.list'
  | 'storage.bucket.update'
  | 'storage.bucket.empty'
  | 'storage.bucket.delete'
  | 'storage.object.upload'
  | 'storage.object.get_authenticated'
  | 'storage.object.get_public'
  | 'storage.object.sign'
  | 'storage.object.list'
  | 'storage.object.list_v2'
  | 'storage.object.copy'
  | 'storage.object.move'
  | 'storage.object.delete'
  | 'storage.object.delete_many'
  | 'storage.tus.upload.create'
  | 'storage.s3.upload.part'

/** A statement of the storage service; values in Postgres' text format. */
export function toStatement(
  operation: StorageOperation,
  text: string,
  values: readonly (string | null)[],
  isReadOnly: boolean,
): CallerStatement {
  return {
    text,
    values,
    isReadOnly,
    request: REQUEST,
    searchPath: SEARCH_PATH,
    before: `select pg_catalog.set_config('storage.operation', '${operation}', true)`,
  }
}

/** The first column of each row, as JSON. */
export function toJsonRows<Row>(rows: readonly (Buffer | null)[][]): Row[] {
  return rows.map(([column]) => JSON.parse(column!.toString()) as Row)
}
