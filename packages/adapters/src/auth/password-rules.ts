import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'

/** GoTrue's limit, which bcrypt gave it; hashes imported from there end here too. */
const LONGEST_BYTES = 72

/** Throws `auth.validation_failed` for a password that cannot be kept, by GoTrue's texts. */
export function requireStorablePassword(password: string): void {
  if (Buffer.byteLength(password) > LONGEST_BYTES) {
    throw new ServiceError('auth.validation_failed', { message: `Password cannot be longer than ${LONGEST_BYTES} characters` })
  }
  if (!password.isWellFormed()) throw new ServiceError('auth.validation_failed', { message: 'Password is not well-formed text' })
}

/** Throws `auth.weak_password`, with the reasons in its details, for one that the project's settings refuse. */
export function requireStrongPassword(project: ProjectScope, password: string): void {
  requireStorablePassword(password)
  const { passwordMinLength } = project.configuration.auth
  if (Array.from(password).length < passwordMinLength) {
    throw new ServiceError('auth.weak_password', {
      message: `Password should be at least ${passwordMinLength} characters.`,
      details: { reasons: ['length'] },
    })
  }
}
