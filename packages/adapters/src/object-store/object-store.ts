import type { Readable } from 'node:stream'

/** What is stored under a key. */
export interface StoredObject {
  key: string
  bytes: number
  modifiedAt: Date
}

/** Bytes to read: small ones whole, large ones as a stream that must be read or destroyed. */
export interface OpenedObject {
  /** Size of the whole object, also when a part of it was asked for. */
  bytes: number
  body: Buffer | Readable
}

/** First and last byte, both included and both within the object. */
export interface ByteSpan {
  first: number
  last: number
}

export interface PutOptions {
  /** Sees each chunk before it is stored; what it throws ends the put. */
  onChunk?(chunk: Buffer): void
  /** The size, where it is known. */
  bytes?: number
}

/**
 * Where bytes are kept, by key: `<ref>/…`, segments of `[A-Za-z0-9_.~%-]` (see `toSegment`). An object is never changed, only
 * replaced whole. Throws `storage.no_space` when the disk is full, and `storage.store_unavailable` when the store does not answer.
 */
export interface ObjectStore {
  readonly kind: 'disk' | 's3'
  /**
   * Keeps what the source gives; when this resolves it is on stable storage. Nobody ever sees half of it: a source that fails, or a
   * process that dies, leaves the key as it was. Answers the number of bytes.
   */
  put(key: string, source: Readable | Buffer, options?: PutOptions): Promise<number>
  /** Undefined where there is nothing. */
  open(key: string, span?: ByteSpan): Promise<OpenedObject | undefined>
  stat(key: string): Promise<StoredObject | undefined>
  /** Answers whether there was something to copy. */
  copy(from: string, to: string): Promise<boolean>
  /** Puts objects one after the other into a new one; they stay. Throws `storage.part_missing` when one is not there. Answers the number of bytes. */
  join(from: readonly string[], to: string, options?: Pick<PutOptions, 'onChunk'>): Promise<number>
  /** What is not there is deleted already. */
  delete(keys: readonly string[]): Promise<void>
  /** Everything whose key begins with the prefix, which ends with a slash. */
  deleteAll(prefix: string): Promise<void>
  /** Everything whose key begins with the prefix, which ends with a slash; in any order. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** Removes what puts left that never ended, if they began before that time. */
  sweep(before: Date): Promise<void>
}
