export { createDiskObjectStore, type DiskObjectStoreOptions } from './disk-object-store.ts'
export { toSegment } from './object-key.ts'
export type { ByteSpan, ObjectStore, OpenedObject, PutOptions, StoredObject } from './object-store.ts'
export { openObjectStore, type ObjectStoreSettings } from './open-object-store.ts'
