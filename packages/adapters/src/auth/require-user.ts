import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import type { AuthUser } from './auth-user.ts'
import { hasSession } from './queries/sessions.ts'
import { findUserById } from './queries/users.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether the text is a uuid, and so can be the id of a row. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text)
}

/** The ids in a user's token. Throws `auth.no_authorization` without one, `auth.claim_invalid` for a token that names no user. */
export function requireUserClaims(project: ProjectScope): { userId: string; sessionId: string | undefined } {
  const { caller } = project
  if (caller.kind !== 'app' || !caller.hasUserToken) throw new ServiceError('auth.no_authorization')
  const { sub, session_id: sessionId } = caller.claims
  if (sub === undefined || sub === '') throw new ServiceError('auth.claim_invalid')
  if (!isUuid(sub)) throw new ServiceError('auth.claim_invalid', { message: 'invalid claim: sub claim must be a UUID' })
  if (sessionId === undefined || sessionId === '') return { userId: sub, sessionId: undefined }
  if (!isUuid(sessionId)) throw new ServiceError('auth.claim_invalid', { message: 'invalid claim: session_id claim must be a UUID' })
  return { userId: sub, sessionId }
}

/**
 * The user and session that the caller's token names, as they stand now: a token dies here at once with its session, while the
 * data API believes it until it expires. Throws `auth.user_gone`, `auth.session_not_found`, `auth.token_user_banned`.
 */
export async function requireUser(
  tx: Kysely<ProjectTables>,
  { userId, sessionId }: { userId: string; sessionId: string | undefined },
): Promise<{ user: AuthUser; sessionId: string | undefined }> {
  const user = await findUserById(tx, userId)
  if (!user || user.deletedAt) throw new ServiceError('auth.user_gone')
  // a token that the project's own back end signed has no session
  if (sessionId !== undefined && !(await hasSession(tx, sessionId, userId))) throw new ServiceError('auth.session_not_found')
  if (isBanned(user)) throw new ServiceError('auth.token_user_banned')
  return { user, sessionId }
}

/** Whether the user may not sign in just now. */
export function isBanned(user: AuthUser): boolean {
  return user.bannedUntil !== null && user.bannedUntil.getTime() > Date.now()
}

/**
 * Passes members, whom their door has checked, and apps with the service role; a user who has that role only while their session
 * lasts. Throws `auth.not_admin`, and what `requireUser` throws.
 */
export async function requireAdmin(project: ProjectScope): Promise<void> {
  const { caller } = project
  if (caller.kind === 'member') return
  if (caller.role !== 'service_role') throw new ServiceError('auth.not_admin')
  if (!caller.claims.session_id) return
  const claims = requireUserClaims(project)
  await project.db.asOwner((tx) => requireUser(tx, claims))
}

/** Passes members only, whom their door has checked. Throws `auth.not_admin`. */
export function requireMember(project: ProjectScope): void {
  if (project.caller.kind !== 'member') throw new ServiceError('auth.not_admin')
}

/** Who acts, for the log. */
export function toActor(project: ProjectScope): { id: string; name: string } {
  const { caller } = project
  if (caller.kind === 'member') return { id: caller.accountId, name: 'member' }
  return { id: caller.claims.sub ?? '00000000-0000-0000-0000-000000000000', name: caller.role }
}
