import { ServiceError, type FolderPage, type StorageFile } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { translated } from './database-error.ts'
import { listObjects } from './list.ts'
import { searchNames } from './queries/listings.ts'
import { toJsonRows } from './queries/statement.ts'
import { getObject, type ObjectName } from './read.ts'
import { toStoredFile, type StoredFile } from './stored-object.ts'
import type { EntryRow } from './queries/listings.ts'

export interface FolderRequest {
  bucket: string
  folder: string
  search?: string | undefined
  after?: string | undefined
  limit: number
}

/** One page of a folder for people: its folders and files by name, or what under it has a name that contains the search. */
export async function listFolder(project: ProjectScope, request: FolderRequest): Promise<FolderPage> {
  const { bucket, folder, search = '', after = '', limit } = request
  if (search !== '') return await searchFiles(project, request, search)
  const page = await listObjects(project, { bucket, prefix: folder, limit, delimiter: '/', startAfter: after })
  return {
    folders: page.folders.map(({ name }) => name),
    files: page.objects.map((entry) => toFile(fromEntry(bucket, entry))),
    next: page.nextName ?? null,
  }
}

async function searchFiles(project: ProjectScope, request: FolderRequest, search: string): Promise<FolderPage> {
  const { bucket, folder, after = '', limit } = request
  const { rows } = await translated(project.db.asCaller(searchNames(bucket, folder, search, after, limit + 1)))
  const entries = toJsonRows<EntryRow>(rows)
  const shown = entries.slice(0, limit)
  return {
    folders: [],
    files: shown.map((entry) => toFile(fromEntry(bucket, entry))),
    next: entries.length > limit ? shown.at(-1)!.name : null,
  }
}

export async function getFileDetails(project: ProjectScope, object: ObjectName): Promise<StorageFile> {
  return toFile(await getObject(project, 'caller', object))
}

const MAX_SELECTED = 100_000

/** The objects that a selection of names and folders stands for. Throws `storage.request_invalid` for more than can be done at once. */
export async function findSelected(project: ProjectScope, bucket: string, names: readonly string[]): Promise<string[]> {
  const selected = new Set<string>()
  for (const name of names) {
    if (!name.endsWith('/')) {
      selected.add(name)
      continue
    }
    for (let startAfter: string | undefined; ;) {
      const page = await listObjects(project, { bucket, prefix: name, limit: 1000, delimiter: undefined, startAfter })
      for (const object of page.objects) selected.add(object.name)
      if (selected.size > MAX_SELECTED) {
        throw new ServiceError('storage.request_invalid', { message: `More than ${MAX_SELECTED} files are selected.` })
      }
      startAfter = page.nextName
      if (startAfter === undefined) break
    }
  }
  return [...selected]
}

function fromEntry(bucket: string, entry: EntryRow): StoredFile {
  const { id, name, metadata, created_at, updated_at, last_accessed_at } = entry
  const rest = { version: null, owner: null, owner_id: null, user_metadata: null }
  return toStoredFile({ id: id ?? '', bucket_id: bucket, name, metadata, created_at, updated_at, last_accessed_at, ...rest })
}

function toFile(file: StoredFile): StorageFile {
  const { id, name, bytes, type, cacheControl, etag, ownerId, createdAt, updatedAt } = file
  return { id, name, bytes, type, cacheControl, etag, ownerId, userMetadata: file.userMetadata ?? {}, createdAt, updatedAt }
}
