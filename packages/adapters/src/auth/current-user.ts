import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions } from './queries/sessions.ts'
import { requireUser, requireUserClaims } from './require-user.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

/** The user whose token the caller has, after a look at user and session. Throws as `requireUser` does. */
export async function getUser(project: ProjectScope): Promise<AuthUser> {
  const claims = requireUserClaims(project)
  const { user } = await project.db.asOwner((tx) => requireUser(tx, claims))
  return user
}

/** Which of the user's sessions end: all, the caller's, or all but the caller's. */
export type SignOutScope = 'global' | 'local' | 'others'

/** Ends sessions of the caller's user; their refresh tokens are worthless at once. */
export async function signOut(project: ProjectScope, { scope, client }: { scope: SignOutScope; client: ClientFacts }): Promise<void> {
  const claims = requireUserClaims(project)
  const work = project.db.asOwner(async (tx) => {
    const { user, sessionId } = await requireUser(tx, claims)
    await insertAuditEntry(tx, { action: 'logout', actor: toActorOf(user), ip: client.ip })
    if (sessionId === undefined || scope === 'global') await deleteSessions(tx, user.id)
    else await deleteSessions(tx, user.id, scope === 'local' ? { only: sessionId } : { except: sessionId })
  })
  await withDatabaseError('Error logging out user', work)
}
