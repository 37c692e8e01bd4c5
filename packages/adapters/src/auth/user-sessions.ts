import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions, selectSessions, type UserSessionRow } from './queries/sessions.ts'
import { isUuid, requireAdmin, toActor } from './require-user.ts'

/** A user's sessions, the newest first. */
export async function listUserSessions(project: ProjectScope, userId: string): Promise<UserSessionRow[]> {
  await requireAdmin(project)
  return isUuid(userId) ? project.db.asOwner((tx) => selectSessions(tx, userId)) : []
}

/** Ends one session of a user, or all of them, as an administrator; answers how many. Throws `auth.session_not_found` where there is no such one. */
export async function endUserSessions(
  project: ProjectScope,
  { userId, sessionId }: { userId: string; sessionId?: string },
): Promise<number> {
  await requireAdmin(project)
  if (!isUuid(userId) || (sessionId !== undefined && !isUuid(sessionId))) throw new ServiceError('auth.session_not_found')
  return project.db.asOwner(async (tx) => {
    const ended = await deleteSessions(tx, userId, sessionId === undefined ? {} : { only: sessionId })
    if (sessionId !== undefined && ended === 0) throw new ServiceError('auth.session_not_found')
    await insertAuditEntry(tx, { action: 'logout', actor: toActor(project), ip: null, traits: { user_id: userId } })
    return ended
  })
}
