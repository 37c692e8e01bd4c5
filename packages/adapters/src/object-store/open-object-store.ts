import { createDiskObjectStore } from './disk-object-store.ts'
import type { ObjectStore } from './object-store.ts'
import type { S3ObjectStoreOptions } from './s3-object-store.ts'

/** Where an installation keeps bytes. */
export type ObjectStoreSettings = { kind: 'disk'; folder: string } | ({ kind: 's3' } & S3ObjectStoreOptions)

/** Opens the store of an installation. The SDK of S3 is loaded only where it is used. */
export async function openObjectStore(settings: ObjectStoreSettings): Promise<ObjectStore> {
  if (settings.kind === 'disk') return createDiskObjectStore(settings)
  const { createS3ObjectStore } = await import('./s3-object-store.ts')
  return createS3ObjectStore(settings)
}
