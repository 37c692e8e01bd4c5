import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { withDatabaseError } from './database-error.ts'
import { findEmailAddress } from './email-address.ts'
import { toPasswordAttemptPayload } from './hooks/hook-payloads.ts'
import { toPasswordCost } from './password.ts'
import { findWeakness } from './password-rules.ts'
import { toStoredPhone } from './phone-number.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions } from './queries/sessions.ts'
import { replacePasswordHash } from './queries/user-changes.ts'
import { findUserByAddress, type UserAddress } from './queries/users.ts'
import { isBanned } from './require-user.ts'
import { issueSession, startSession } from './start-session.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export type SignInInput = { password: string; client: ClientFacts } & UserAddress

/**
 * Signs a user in by address or number and password. Throws `auth.invalid_credentials` alike, and after the same work, for an
 * unknown address, a wrong password and a user without one; `auth.user_banned` and `auth.email_not_confirmed` only to who knows the
 * password. No connection is held while the password is hashed.
 */
export async function signInWithPassword(parts: AuthParts, project: ProjectScope, input: SignInInput): Promise<UserSession> {
  const settings = project.configuration.auth
  const isByEmail = 'email' in input
  if (isByEmail && !settings.externalEmailEnabled) throw new ServiceError('auth.email_logins_disabled')
  if (!isByEmail && !settings.externalPhoneEnabled) throw new ServiceError('auth.phone_logins_disabled')
  const address = isByEmail ? { email: findEmailAddress(input.email) ?? '' } : { phone: toStoredPhone(input.phone) }
  const found = await withDatabaseError(
    'Database error querying schema',
    project.db.asOwner((tx) => findUserByAddress(tx, address)),
  )
  const cost = toPasswordCost(settings)
  const isRight = await parts.passwords.verify(found?.passwordHash ?? null, input.password, cost)
  const isSomebody = found !== undefined && Object.values(address)[0] !== '' && !found.user.deletedAt
  if (isSomebody && found.passwordHash !== null) await tellHook(parts, project, found.user.id, isRight, input.client)
  if (!isSomebody || !isRight || found.passwordHash === null) throw new ServiceError('auth.invalid_credentials')
  const { user, passwordHash } = found
  if (isBanned(user)) throw new ServiceError('auth.user_banned')
  if (isByEmail && !user.emailConfirmedAt) throw new ServiceError('auth.email_not_confirmed')
  if (!isByEmail && !user.phoneConfirmedAt) throw new ServiceError('auth.phone_not_confirmed')
  const newHash = parts.passwords.needsRehash(passwordHash, cost) ? await parts.passwords.hash(input.password, cost) : undefined

  const work = project.db.asOwner(async (tx) => {
    if (newHash !== undefined) await replacePasswordHash(tx, user.id, passwordHash, newHash)
    const start = { userId: user.id, passwordHash: newHash ?? passwordHash, method: 'password', client: input.client }
    const started = await startSession(tx, start)
    if (started === undefined) return undefined
    const traits = { provider: isByEmail ? 'email' : 'phone' }
    await insertAuditEntry(tx, { action: 'login', actor: toActorOf(started.user), ip: input.client.ip, traits })
    return started
  })
  const started = await withDatabaseError('Database error granting user', work)
  if (!started) throw new ServiceError('auth.invalid_credentials')
  const session = await issueSession(parts, project, started)
  const weakness = findWeakness(project, input.password)
  return weakness === undefined ? session : { ...session, weakness }
}

/** Lets the project's hook judge the attempt, right or wrong. Throws `auth.invalid_credentials` in the hook's words where it refuses. */
async function tellHook(parts: AuthParts, project: ProjectScope, userId: string, isRight: boolean, client: ClientFacts): Promise<void> {
  if (!parts.hooks.isEnabled(project, 'password_verification_attempt')) return
  const payload = toPasswordAttemptPayload(userId, isRight, client.ip)
  const answer = await parts.hooks.call(project, 'password_verification_attempt', payload)
  if (answer.decision !== 'reject') return
  if (answer.should_logout_user === true) await project.db.asOwner((tx) => deleteSessions(tx, userId))
  const message = typeof answer.message === 'string' && answer.message !== '' ? answer.message.slice(0, 1_000) : undefined
  throw new ServiceError('auth.invalid_credentials', { message: message ?? 'Further password verification attempts will be rejected.' })
}
