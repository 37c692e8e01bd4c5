import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { getObject, openBytes } from './read.ts'
import type { StorageParts } from './storage-parts.ts'
import { zip, type ZipEntry } from './zip.ts'

export interface ArchiveRequest {
  bucket: string
  /** Of objects, as `findSelected` gives them. */
  names: readonly string[]
  /** What each name begins with, which the names in the archive leave out. */
  fromFolder: string
}

/** The files as one archive, read while it is sent. A file that was deleted meanwhile is left out. */
export function archiveFiles(parts: StorageParts, project: ProjectScope, request: ArchiveRequest): AsyncGenerator<Uint8Array> {
  return zip(readEntries(parts, project, request))
}

async function* readEntries(parts: StorageParts, project: ProjectScope, request: ArchiveRequest): AsyncGenerator<ZipEntry> {
  const { bucket, names, fromFolder } = request
  for (const name of names) {
    try {
      const file = await getObject(project, 'caller', { bucket, name })
      const { body } = await openBytes(parts, project, file)
      const shown = name.startsWith(fromFolder) ? name.slice(fromFolder.length) : name
      yield {
        name: toInner(shown),
        modifiedAt: file.updatedAt,
        bytes: file.bytes,
        content: Buffer.isBuffer(body) ? [body] : (body as AsyncIterable<Uint8Array>),
      }
    } catch (error) {
      if (!(error instanceof ServiceError && error.kind === 'not_found')) throw error
    }
  }
}

/** A path that unpacks below where one unpacks it, whatever the object is called. */
function toInner(name: string): string {
  const segments = name.split('/').map((segment) => (/^\.*$/.test(segment) ? `_${segment}` : segment))
  return segments.join('/').replaceAll(/[\\:]/g, '_')
}
