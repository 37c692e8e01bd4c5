import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import type { PasswordHasher } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions } from './queries/sessions.ts'
import { findEmailOwner, findPasswordHash, findUserById, updateUser, updateUserEmail } from './queries/users.ts'
import { requireUser, requireUserClaims } from './require-user.ts'
import type { ClientFacts } from './user-session.ts'

/** The user whose token the caller has, after a look at user and session. Throws as `requireUser` does. */
export async function getUser(project: ProjectScope): Promise<AuthUser> {
  const claims = requireUserClaims(project)
  const { user } = await project.db.asOwner((tx) => requireUser(tx, claims))
  return user
}

export interface UpdateUserInput {
  email?: string
  password?: string
  /** Merged into the user's metadata; keys with null are removed. */
  data?: Metadata
  client: ClientFacts
}

/** Changes the caller's own user. A new password ends the user's other sessions. */
export async function updateCurrentUser(passwords: PasswordHasher, project: ProjectScope, input: UpdateUserInput): Promise<AuthUser> {
  const claims = requireUserClaims(project)
  const email = input.email ? parseEmailAddress(input.email) : undefined
  const userMetadata = input.data ? toMetadataJson(input.data, 'data') : undefined
  if (input.password !== undefined) requireStrongPassword(project, input.password)

  const before = await project.db.asOwner(async (tx) => {
    const { user } = await requireUser(tx, claims)
    if (email !== undefined && email !== user.email) {
      if (!project.configuration.auth.mailerAutoconfirm) throw new ServiceError('auth.email_change_unavailable')
      if ((await findEmailOwner(tx, email, user.id)) !== undefined) throw new ServiceError('auth.email_exists')
    }
    return { user, passwordHash: input.password === undefined ? null : await findPasswordHash(tx, user.id) }
  })
  const passwordHash = input.password === undefined ? undefined : await hashNewPassword(passwords, input.password, before.passwordHash)
  const isNewEmail = email !== undefined && email !== before.user.email

  const work = project.db.asOwner(async (tx) => {
    const { user, sessionId } = await requireUser(tx, claims)
    const actor = { id: user.id, name: user.email ?? '' }
    await updateUser(tx, user.id, {
      ...(passwordHash === undefined ? {} : { passwordHash }),
      ...(userMetadata === undefined ? {} : { userMetadata }),
    })
    if (isNewEmail) await updateUserEmail(tx, user.id, email, true)
    if (passwordHash !== undefined) {
      await deleteSessions(tx, user.id, sessionId === undefined ? {} : { except: sessionId })
      await insertAuditEntry(tx, { action: 'user_updated_password', actor, ip: input.client.ip })
    }
    await insertAuditEntry(tx, { action: 'user_modified', actor, ip: input.client.ip })
    return findUserById(tx, user.id)
  })
  const user = await withDatabaseError('Error updating user', work)
  if (!user) throw new ServiceError('auth.user_gone')
  return user
}

async function hashNewPassword(passwords: PasswordHasher, password: string, current: string | null): Promise<string> {
  if (current !== null && (await passwords.verify(current, password))) throw new ServiceError('auth.same_password')
  return passwords.hash(password)
}

/** Which of the user's sessions end: all, the caller's, or all but the caller's. */
export type SignOutScope = 'global' | 'local' | 'others'

/** Ends sessions of the caller's user; their refresh tokens are worthless at once. */
export async function signOut(project: ProjectScope, { scope, client }: { scope: SignOutScope; client: ClientFacts }): Promise<void> {
  const claims = requireUserClaims(project)
  const work = project.db.asOwner(async (tx) => {
    const { user, sessionId } = await requireUser(tx, claims)
    await insertAuditEntry(tx, { action: 'logout', actor: { id: user.id, name: user.email ?? '' }, ip: client.ip })
    if (sessionId === undefined || scope === 'global') await deleteSessions(tx, user.id)
    else await deleteSessions(tx, user.id, scope === 'local' ? { only: sessionId } : { except: sessionId })
  })
  await withDatabaseError('Error logging out user', work)
}
