import { ServiceError } from '@polder/core'

const PATTERN = /^[1-9][0-9]{1,14}$/

/** The number as it is stored: E.164 without its plus sign. Throws `auth.phone_invalid`. */
export function parsePhoneNumber(text: string): string {
  const phone = toStoredPhone(text)
  if (!PATTERN.test(phone)) throw new ServiceError('auth.phone_invalid')
  return phone
}

/** The number without plus sign and spaces, whatever it is: for looking one up. */
export function toStoredPhone(text: string): string {
  return text.slice(0, 100).replace(/^\+/, '').replaceAll(' ', '')
}
