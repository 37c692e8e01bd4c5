import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import {
  listByTime,
  listFlat,
  listWithDelimiter,
  searchFolder,
  type EntryRow,
  type FolderSearch,
  type Listing,
} from './queries/listings.ts'
import { toJsonRows } from './queries/statement.ts'

/** The first listing of Supabase: one folder, by offset. */
export async function searchObjects(project: ProjectScope, search: FolderSearch): Promise<EntryRow[]> {
  const { rows } = await translated(project.db.asCaller(searchFolder(search)))
  return toJsonRows<EntryRow>(rows)
}

export interface PageRequest {
  bucket: string
  prefix: string
  limit: number
  delimiter: string | undefined
  /** Names after this one. */
  startAfter?: string | undefined
  /** From the page before; it also says how that was sorted. */
  cursor?: string | undefined
  sortColumn?: 'name' | 'created_at' | 'updated_at' | undefined
  isDescending?: boolean | undefined
}

export interface ObjectPage {
  folders: EntryRow[]
  objects: EntryRow[]
  hasNext: boolean
  nextCursor: string | undefined
  /** Name of the last entry, where more follow. */
  nextName: string | undefined
}

interface Cursor {
  after: string
  column: 'name' | 'created_at' | 'updated_at'
  isDescending: boolean
  time: string
}

/** One page of the names under a prefix. */
export async function listObjects(project: ProjectScope, request: PageRequest): Promise<ObjectPage> {
  const { bucket, prefix, limit, delimiter } = request
  const start: Cursor = {
    after: request.startAfter ?? '',
    column: request.sortColumn ?? 'name',
    isDescending: request.isDescending ?? false,
    time: '',
  }
  const { after, column, isDescending, time } = request.cursor === undefined ? start : parseCursor(request.cursor)
  const listing: Listing = { bucket, prefix, limit: limit + 1, after, isDescending }
  const statement =
    column !== 'name'
      ? listByTime({ ...listing, column, delimiter, afterTime: time })
      : delimiter === undefined
        ? listFlat(listing)
        : listWithDelimiter(listing, delimiter)
  const { rows } = await translated(project.db.asCaller(statement))
  const entries = toJsonRows<EntryRow>(rows.slice(0, limit))
  const hasNext = rows.length > limit
  const last = hasNext ? entries.at(-1) : undefined
  const lastTime = rows[limit - 1]?.[1]
  return {
    folders: entries.filter(({ id }) => id === null),
    objects: entries.filter(({ id }) => id !== null),
    hasNext,
    nextCursor:
      last && toCursor({ after: last.name, column, isDescending, time: lastTime ? (JSON.parse(lastTime.toString()) as string) : '' }),
    nextName: last?.name,
  }
}

function toCursor({ after, column, isDescending, time }: Cursor): string {
  return Buffer.from(JSON.stringify([after, column, isDescending, time])).toString('base64')
}

function parseCursor(text: string): Cursor {
  try {
    const [after, column, isDescending, time] = JSON.parse(Buffer.from(text, 'base64').toString()) as unknown[]
    const isColumn = column === 'name' || column === 'created_at' || column === 'updated_at'
    if (typeof after !== 'string' || !isColumn || typeof isDescending !== 'boolean' || typeof time !== 'string') throw new TypeError()
    if (after.includes('\0') || !(time === '' || /^[0-9T:.+-]{10,40}$/.test(time))) throw new TypeError()
    return { after, column, isDescending, time }
  } catch (cause) {
    throw new ServiceError('storage.request_invalid', { message: 'Invalid Parameter continuation token', cause })
  }
}
