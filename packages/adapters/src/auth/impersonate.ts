import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { customizeClaims, toClaims, toUserSession } from './access-token.ts'
import type { AuthParts } from './auth-parts.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { findUserById } from './queries/users.ts'
import { isUuid, requireMember, toActor } from './require-user.ts'
import type { ClientFacts } from './user-session.ts'

/** Seconds; whoever only looks needs no longer. */
const LONGEST = 3_600

/**
 * An access token as the user's own would be, for a member who wants to see what the user sees. It is of no session: nothing can be
 * refreshed with it, and it ends by itself. Throws `auth.user_not_found` and the errors of hooks.
 */
export async function impersonateUser(
  parts: AuthParts,
  project: ProjectScope,
  { userId, client }: { userId: string; client: ClientFacts },
): Promise<{ accessToken: string; expiresAt: Date }> {
  requireMember(project)
  const user = isUuid(userId) ? await project.db.asOwner((tx) => findUserById(tx, userId)) : undefined
  if (!user || user.deletedAt) throw new ServiceError('auth.user_not_found')
  const now = Math.floor(Date.now() / 1000)
  const amr = [{ method: 'impersonation', timestamp: now }]
  const usual = toClaims(project, user, { sessionId: '', aal: 'aal1', amr })
  const exp = Math.min(usual.exp ?? 0, now + LONGEST)
  const claims = await customizeClaims(parts, project, { user, claims: { ...usual, exp }, method: 'impersonation', ip: client.ip })
  await project.db.asOwner((tx) => {
    const traits = { user_id: user.id, provider: 'impersonation' }
    return insertAuditEntry(tx, { action: 'login', actor: toActor(project), ip: client.ip, traits })
  })
  const { accessToken, expiresAt } = toUserSession(project, user, claims, '')
  return { accessToken, expiresAt: new Date(expiresAt * 1000) }
}
