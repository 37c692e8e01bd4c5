import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { LeakedPasswords } from './leaked-passwords.ts'

/** GoTrue's limit, which bcrypt gave it; hashes imported from there end here too. */
const LONGEST_BYTES = 72

/** Throws `auth.validation_failed` for a password that cannot be kept, by GoTrue's texts. */
export function requireStorablePassword(password: string): void {
  if (Buffer.byteLength(password) > LONGEST_BYTES) {
    throw new ServiceError('auth.validation_failed', { message: `Password cannot be longer than ${LONGEST_BYTES} characters` })
  }
  if (!password.isWellFormed()) throw new ServiceError('auth.validation_failed', { message: 'Password is not well-formed text' })
}

/** What is wrong with a password, in GoTrue's words. */
export interface PasswordWeakness {
  message: string
  reasons: string[]
}

/** What the project's settings find wrong with a password, apart from leaks. */
export function findWeakness(project: ProjectScope, password: string): PasswordWeakness | undefined {
  const { passwordMinLength, passwordRequiredCharacters } = project.configuration.auth
  const found: [reason: string, message: string][] = []
  if (Array.from(password).length < passwordMinLength)
    found.push(['length', `Password should be at least ${passwordMinLength} characters.`])
  if (!passwordRequiredCharacters.every((set) => Array.from(set).some((character) => password.includes(character)))) {
    found.push(['characters', `Password should contain at least one character of each: ${passwordRequiredCharacters.join(', ')}.`])
  }
  return toWeakness(found)
}

/**
 * Throws `auth.weak_password`, with the reasons in its details, for one that the project's settings refuse. A list of leaked
 * passwords that cannot be asked refuses none.
 */
export async function requireStrongPassword(leaked: LeakedPasswords, project: ProjectScope, password: string): Promise<void> {
  requireStorablePassword(password)
  const weakness = findWeakness(project, password)
  const isLeaked = project.configuration.auth.passwordHibpEnabled && (await leaked.has(password).catch(() => false))
  const found: [string, string][] = isLeaked
    ? [['pwned', 'Password is known to be weak and easy to guess, please choose a different one.']]
    : []
  const all = [weakness, toWeakness(found)].filter((one) => one !== undefined)
  if (all.length === 0) return
  throw new ServiceError('auth.weak_password', {
    message: all.map(({ message }) => message).join(' '),
    details: { reasons: all.flatMap(({ reasons }) => reasons) },
  })
}

function toWeakness(found: [reason: string, message: string][]): PasswordWeakness | undefined {
  if (found.length === 0) return undefined
  return { reasons: found.map(([reason]) => reason), message: found.map(([, message]) => message).join(' ') }
}
