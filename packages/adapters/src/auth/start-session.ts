import { randomUUID } from 'node:crypto'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import { customizeClaims, toClaims, toUserSession } from './access-token.ts'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { insertSession, deleteSessions } from './queries/sessions.ts'
import { findUserById } from './queries/users.ts'
import { hashRefreshToken, makeRefreshToken } from './refresh-token.ts'
import type { ClientFacts, SessionProof, UserSession } from './user-session.ts'

export interface SessionStart {
  userId: string
  /** What a password was checked against, where one was. */
  passwordHash?: string | null
  /** How the user has proven who they are, by GoTrue's name. */
  method: string
  client: ClientFacts
}

/** A session that was written down, and has no access token yet. */
export interface StartedSession {
  user: AuthUser
  proof: SessionProof
  refreshToken: string
  method: string
  client: ClientFacts
}

/** Writes down a session in the transaction. Undefined if user or password changed meanwhile, or a trigger refused the session. */
export async function startSession(tx: Kysely<ProjectTables>, start: SessionStart): Promise<StartedSession | undefined> {
  const { client, method } = start
  const sessionId = randomUUID()
  const refreshToken = makeRefreshToken()
  const isStarted = await insertSession(tx, { ...start, ...client, id: sessionId, tokenHash: hashRefreshToken(refreshToken) })
  const user = isStarted ? await findUserById(tx, start.userId) : undefined
  if (!user) return undefined
  const amr = [{ method, timestamp: Math.floor(Date.now() / 1000) }]
  return { user, proof: { sessionId, aal: 'aal1', amr }, refreshToken, method, client }
}

/** Signs the access token of a session, after its transaction: a hook of the project may take a while. One that it refuses ends. */
export async function issueSession(parts: AuthParts, project: ProjectScope, started: StartedSession): Promise<UserSession> {
  const { user, proof, method, client, refreshToken } = started
  try {
    const claims = await customizeClaims(parts, project, { user, claims: toClaims(project, user, proof), method, ip: client.ip })
    return toUserSession(project, user, claims, refreshToken)
  } catch (error) {
    await project.db.asOwner((tx) => deleteSessions(tx, user.id, { only: proof.sessionId }))
    throw error
  }
}
