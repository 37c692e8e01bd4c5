import { ServiceError } from '@polder/core'
import { isUsableHash } from './password.ts'

/** A hash that an administrator brings from elsewhere. Throws `auth.validation_failed` for one that nobody could ever sign in with. */
export function parsePasswordHash(text: string): string {
  if (text.length > 255 || !isUsableHash(text)) {
    throw new ServiceError('auth.validation_failed', { message: 'password_hash must be a hash of bcrypt or Argon2id, of no unusual cost' })
  }
  return text
}
