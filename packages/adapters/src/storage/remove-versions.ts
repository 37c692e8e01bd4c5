import type { StorageParts } from './storage-parts.ts'
import { toVersionKey } from './stored-keys.ts'
import type { StoredFile } from './stored-object.ts'

/** Removes the bytes of rows that are gone. Nobody waits for it: what is left when the process dies is found by the sweep. */
export function removeVersions(parts: StorageParts, ref: string, files: readonly Pick<StoredFile, 'bucket' | 'version'>[]): void {
  const keys = files.map(({ bucket, version }) => toVersionKey(ref, bucket, version)).filter((key) => key !== undefined)
  if (keys.length === 0) return
  parts.objects.delete(keys).catch((cause: unknown) => parts.observe({ kind: 'error', ref, code: 'storage.store_unavailable', cause }))
}
