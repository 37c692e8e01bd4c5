import { ServiceError } from '@polder/core'

/** What an app or an administrator says about a user: any JSON object. */
export type Metadata = Record<string, unknown>

const DEEPEST = 32
const LONGEST = 64 * 1024

/**
 * The object as JSON text that Postgres can keep. Throws `auth.validation_failed` for NUL characters and halves of surrogate pairs,
 * which jsonb refuses, and for what is too deep or too large.
 */
export function toMetadataJson(metadata: Metadata, name: string): string {
  requireStorable(metadata, name, 0)
  const json = JSON.stringify(metadata)
  if (json.length > LONGEST) throw new ServiceError('auth.validation_failed', { message: `${name} is too large` })
  return json
}

function requireStorable(value: unknown, name: string, depth: number): void {
  if (depth > DEEPEST) throw new ServiceError('auth.validation_failed', { message: `${name} is nested too deeply` })
  if (typeof value === 'string') return requireStorableText(value, name)
  if (typeof value !== 'object' || value === null) return
  for (const [key, part] of Object.entries(value)) {
    requireStorableText(key, name)
    requireStorable(part, name, depth + 1)
  }
}

function requireStorableText(text: string, name: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new ServiceError('auth.validation_failed', { message: `${name} has characters that cannot be stored` })
  }
}
