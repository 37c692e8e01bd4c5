import { toSegment } from '../object-store/index.ts'

const VERSION = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/** Where the bytes of an object's version lie; undefined for a version that is none of ours, as SQL of the project may have written it. */
export function toVersionKey(ref: string, bucket: string, version: string | null): string | undefined {
  if (version === null || !VERSION.test(version)) return undefined
  return `${toBucketPrefix(ref, bucket)}${version.slice(0, 2)}/${version}`
}

/** Where all versions of a bucket's objects lie. */
export function toBucketPrefix(ref: string, bucket: string): string {
  return `${ref}/${toSegment(bucket)}/`
}

/** Where everything of a project lies. */
export function toProjectPrefix(ref: string): string {
  return `${ref}/`
}

/** Where the pieces of an upload lie until it is complete. */
export function toUploadPrefix(ref: string, uploadId: string): string {
  return `${ref}/.uploads/${uploadId}/`
}

/** Where scaled images lie. */
export function toImagePrefix(ref: string): string {
  return `${ref}/.images/`
}
