import { randomUUID } from 'node:crypto'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import { insertAuditEntry } from './queries/audit-log.ts'
import { insertSession } from './queries/sessions.ts'
import { findUserById } from './queries/users.ts'
import { hashRefreshToken, makeRefreshToken } from './refresh-token.ts'
import { toUserSession, type ClientFacts, type UserSession } from './user-session.ts'

export interface SessionStart {
  userId: string
  /** What the password was checked against. */
  passwordHash: string | null
  client: ClientFacts
}

/** Signs in a user whose password was checked. Undefined if user or password changed meanwhile, or a trigger refused the session. */
export async function startSession(
  tx: Kysely<ProjectTables>,
  project: ProjectScope,
  start: SessionStart,
): Promise<UserSession | undefined> {
  const { userId, passwordHash, client } = start
  const sessionId = randomUUID()
  const refreshToken = makeRefreshToken()
  const isStarted = await insertSession(tx, {
    id: sessionId,
    userId,
    passwordHash,
    tokenHash: hashRefreshToken(refreshToken),
    method: 'password',
    ...client,
  })
  const user = isStarted ? await findUserById(tx, userId) : undefined
  if (!user) return undefined
  await insertAuditEntry(tx, {
    action: 'login',
    actor: { id: user.id, name: user.email ?? '' },
    ip: client.ip,
    traits: { provider: 'email' },
  })
  const amr = [{ method: 'password', timestamp: Math.floor(Date.now() / 1000) }]
  return toUserSession(project, user, { sessionId, aal: 'aal1', amr }, refreshToken)
}
