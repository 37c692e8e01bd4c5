import { createHash } from 'node:crypto'
import { ServiceError } from '@polder/core'

const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9_.~%-]{1,240}$/
const MAX_KEY_LENGTH = 900

/**
 * Any text as one segment of a key, and no two texts as the same. What is plain stays readable; capitals are escaped too, since some
 * disks do not tell them apart. A segment of ours never begins with a dot: those are the platform's.
 */
export function toSegment(text: string): string {
  const escaped = Array.from(Buffer.from(text), (byte) =>
    isPlain(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
  ).join('')
  if (escaped.length <= 200 && escaped !== '') return escaped
  return `${escaped.slice(0, 100)}~${createHash('sha256').update(text).digest('hex')}`
}

// a-z, 0-9, _ and -
function isPlain(byte: number): boolean {
  return (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === 95 || byte === 45
}

/** Checked at the last moment too, whoever made the key. Throws a bug's error: no caller may choose a segment freely. */
export function requireKey(key: string): string[] {
  const segments = key.split('/')
  if (segments.length < 2 || key.length > MAX_KEY_LENGTH || !segments.every((segment) => SEGMENT.test(segment))) throw notAKey()
  return segments
}

/** The same for a prefix, which ends with a slash. */
export function requirePrefix(prefix: string): string[] {
  if (!prefix.endsWith('/')) throw notAKey()
  const segments = prefix.slice(0, -1).split('/')
  if (!segments.every((segment) => SEGMENT.test(segment))) throw notAKey()
  return segments
}

function notAKey(): ServiceError {
  return new ServiceError('system.unexpected', { cause: new Error('This is no key of the object store.') })
}
