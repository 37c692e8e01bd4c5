import { ServiceError } from '@polder/core'

/** The address rule of HTML, which GoTrue's validator follows; ASCII only, so that no look-alike or control character passes. */
const PATTERN =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

/** The address in lower case. Throws `auth.email_invalid` or `auth.validation_failed`, with GoTrue's texts. */
export function parseEmailAddress(text: string): string {
  if (text === '') throw new ServiceError('auth.validation_failed', { message: 'An email address is required' })
  if (text.length > 255) throw new ServiceError('auth.validation_failed', { message: 'An email address is too long' })
  if (!PATTERN.test(text)) throw new ServiceError('auth.email_invalid')
  return text.toLowerCase()
}

/** The address as it is stored, or undefined where no user can have it. */
export function findEmailAddress(text: string): string | undefined {
  return text.length <= 255 && PATTERN.test(text) ? text.toLowerCase() : undefined
}
