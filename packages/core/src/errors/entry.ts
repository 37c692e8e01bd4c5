import type { ErrorKind } from './kinds.ts'

/** One line of the catalogue: what kind of error it is, and its sentence for people. */
export interface ErrorEntry {
  kind: ErrorKind
  sentence: string
}

/** Types a service's part of the catalogue without losing its keys. */
export function errorEntries<const Entries extends Record<string, ErrorEntry>>(entries: Entries): Entries {
  return entries
}
