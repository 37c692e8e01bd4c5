import type { Observe } from '@polder/core'
import type { ObjectStore } from '../object-store/index.ts'
import type { BucketCache } from './bucket-cache.ts'
import type { UsageMeter } from './usage-meter.ts'

/** What the operations of the storage adapter share. */
export interface StorageParts {
  objects: ObjectStore
  buckets: BucketCache
  usage: UsageMeter
  observe: Observe
}
