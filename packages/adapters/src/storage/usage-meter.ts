import type { ProjectScope } from '@polder/db'

/** Counts what buckets take up, and says how much more there may be. */
export interface UsageMeter {
  /** Bytes that may still be added to the bucket; Infinity without a quota. */
  readRemaining(project: ProjectScope, bucket: string): number | Promise<number>
  add(ref: string, bucket: string, bytes: number, objects: number): void
}

/** For parts of the platform that count nothing. */
export const UNMETERED: UsageMeter = { readRemaining: () => Infinity, add() {} }
