import { randomInt } from 'node:crypto'
import { isServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { createUser, updateUserById } from './admin-users.ts'
import type { AuthParts } from './auth-parts.ts'
import { listUsers } from './list-users.ts'

/** Letters and digits that nobody mistakes for one another. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789'

/** A random password of 16 characters, 93 bits. */
export function makeFirstPassword(): string {
  return Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

export interface FirstUserInput {
  email: string
  /** Random where none is given. */
  password?: string
  /** The password's hash, where it was begun before the project could be opened: it takes longer than all the rest. */
  passwordHash?: Promise<string>
}

/**
 * Adds a project's first user, an administrator by its metadata, as a step of the project's creation: run again it gives the same
 * user the password that it is called with. Takes a scope of a member or of the service role.
 */
export async function createFirstUser(
  shared: AuthParts,
  project: ProjectScope,
  { email, password = makeFirstPassword(), passwordHash }: FirstUserInput,
): Promise<{ userId: string; email: string; password: string }> {
  const parts = passwordHash ? { ...shared, passwords: { ...shared.passwords, hash: () => passwordHash } } : shared
  try {
    const user = await createUser(parts, project, { email, password, isConfirmed: true, userMetadata: { role: 'admin' } })
    return { userId: user.id, email: user.email ?? email, password }
  } catch (error) {
    if (!isServiceError(error, 'auth.email_exists')) throw error
    const { users } = await listUsers(project, { page: 1, perPage: 2, search: email, isAscending: true })
    const user = users.find((one) => one.email === email.toLowerCase())
    if (!user) throw error
    await updateUserById(parts, project, user.id, { password })
    return { userId: user.id, email: user.email ?? email, password }
  }
}
