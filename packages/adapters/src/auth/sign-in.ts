import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { withDatabaseError } from './database-error.ts'
import { findEmailAddress } from './email-address.ts'
import type { PasswordHasher } from './password.ts'
import { findUserByEmail } from './queries/users.ts'
import { isBanned } from './require-user.ts'
import { startSession } from './start-session.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export interface SignInInput {
  email: string
  password: string
  client: ClientFacts
}

/**
 * Signs a user in by address and password. Throws `auth.invalid_credentials` alike, and after the same work, for an unknown
 * address, a wrong password and a user without one; `auth.user_banned` and `auth.email_not_confirmed` only to who knows the password.
 * No connection is held while the password is hashed.
 */
export async function signInWithPassword(passwords: PasswordHasher, project: ProjectScope, input: SignInInput): Promise<UserSession> {
  const email = findEmailAddress(input.email)
  const found = await withDatabaseError(
    'Database error querying schema',
    project.db.asOwner(async (tx) => findUserByEmail(tx, email ?? '')),
  )
  const isRight = await passwords.verify(found?.passwordHash ?? null, input.password)
  if (!found || email === undefined || !isRight || found.user.deletedAt) throw new ServiceError('auth.invalid_credentials')
  if (isBanned(found.user)) throw new ServiceError('auth.user_banned')
  if (!found.user.emailConfirmedAt) throw new ServiceError('auth.email_not_confirmed')
  const { passwordHash } = found
  const userId = found.user.id
  const work = project.db.asOwner((tx) => startSession(tx, project, { userId, passwordHash, client: input.client }))
  const session = await withDatabaseError('Database error granting user', work)
  if (!session) throw new ServiceError('auth.invalid_credentials')
  return session
}
