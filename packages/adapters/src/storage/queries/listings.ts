import type { CallerStatement } from '@polder/db'
import { toStatement } from './statement.ts'

/** What a listing finds: an object, or (without an id) a folder. */
export interface EntryRow {
  name: string
  id: string | null
  metadata: unknown
  updated_at: string | null
  created_at: string | null
  last_accessed_at: string | null
}

const COLUMNS = `pg_catalog.json_build_object('name', name, 'id', id, 'metadata', metadata, 'updated_at', updated_at,
  'created_at', created_at, 'last_accessed_at', last_accessed_at)`

export interface FolderSearch {
  bucket: string
  /** With a slash at its end, or empty. */
  folder: string
  limit: number
  offset: number
  search: string
  sortColumn: string
  isDescending: boolean
}

/** The first listing of Supabase: names without the folder's. */
export function searchFolder(listing: FolderSearch): CallerStatement {
  const text = `select ${COLUMNS} from storage.search($1, $2, $3::integer, 1, $4::integer, $5, $6, $7)`
  const { bucket, folder, limit, offset, search, sortColumn, isDescending } = listing
  const values = [folder, bucket, String(limit), String(offset), search, sortColumn, isDescending ? 'desc' : 'asc']
  return toStatement('storage.object.list', text, values, true)
}

export interface Listing {
  bucket: string
  prefix: string
  limit: number
  /** A whole name: only what comes after it. */
  after: string
  isDescending: boolean
}

/** By name; what lies in a folder under the prefix is that folder, with a slash at its end. */
export function listWithDelimiter({ bucket, prefix, limit, after, isDescending }: Listing, delimiter: string): CallerStatement {
  const text = `select ${COLUMNS} from storage.list_objects_with_delimiter($1, $2, $3, $4::integer, $5, '', $6)`
  return toStatement('storage.object.list_v2', text, [bucket, prefix, delimiter, String(limit), after, isDescending ? 'desc' : 'asc'], true)
}

/** By name, whatever folders there are. */
export function listFlat({ bucket, prefix, limit, after, isDescending }: Listing): CallerStatement {
  const [beyond, order] = isDescending ? ['<', 'desc'] : ['>', 'asc']
  const text = `select ${COLUMNS} from storage.objects o where o.bucket_id = $1 and o.name collate "C" >= $2
    and ($3::text is null or o.name collate "C" < $3) ${after === '' ? '' : `and o.name collate "C" ${beyond} $5`}
    order by o.name collate "C" ${order} limit $4::integer`
  const values = [bucket, prefix, toEnd(prefix), String(limit)]
  return toStatement('storage.object.list_v2', text, after === '' ? values : [...values, after], true)
}

export interface TimeListing extends Listing {
  column: 'created_at' | 'updated_at'
  delimiter: string | undefined
  /** The time of what `after` names, with all its digits; empty for the beginning. */
  afterTime: string
}

/** By time and then name. A folder is as old, or new, as what was first found in it. */
export function listByTime(listing: TimeListing): CallerStatement {
  const { bucket, prefix, limit, after, isDescending, column, delimiter, afterTime } = listing
  const [beyond, order, best] = isDescending ? ['<', 'desc', 'max'] : ['>', 'asc', 'min']
  const text = `with found as (
      select o.*, pg_catalog.strpos(pg_catalog.substr(o.name, pg_catalog.length($2) + 1), $4) as cut from storage.objects o
      where o.bucket_id = $1 and o.name collate "C" >= $2 and ($3::text is null or o.name collate "C" < $3)
    ), entries as (
      select name, id, metadata, updated_at, created_at, last_accessed_at, ${column} as at from found where cut = 0
      union all
      select folder, null, null, null, null, null, pg_catalog.${best}(at) from (
        select pg_catalog.left(name, pg_catalog.length($2) + cut) as folder, ${column} as at from found where cut > 0) f group by folder
    )
    select ${COLUMNS}, pg_catalog.to_json(at) from entries
    where $6::text = '' or (at, name collate "C") ${beyond} ($6::timestamptz, $7)
    order by at ${order}, name collate "C" ${order} limit $5::integer`
  const values = [bucket, prefix, toEnd(prefix), delimiter ?? '\u0001', String(limit), afterTime, after]
  return toStatement('storage.object.list_v2', text, values, true)
}

/** For the dashboard: anything under the folder whose name contains the text, in either case. */
export function searchNames(bucket: string, folder: string, search: string, after: string, limit: number): CallerStatement {
  const text = `select ${COLUMNS} from storage.objects o where o.bucket_id = $1 and o.name collate "C" >= $2
    and ($3::text is null or o.name collate "C" < $3) and o.name collate "C" > $4
    and pg_catalog.strpos(pg_catalog.lower(o.name), pg_catalog.lower($5)) > 0 order by o.name collate "C" limit $6::integer`
  return toStatement('storage.object.list', text, [bucket, folder, toEnd(folder), after, search, String(limit)], true)
}

// Names are ASCII, and below the last of it there is always a next character.
function toEnd(prefix: string): string | null {
  if (prefix === '') return null
  const points = [...prefix]
  const last = points.pop()!.codePointAt(0)!
  return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : Math.min(last + 1, 0x10ffff))
}
