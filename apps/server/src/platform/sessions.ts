import {
  deleteExpiredSessions,
  deleteSession,
  deleteSessionsOfAccount,
  insertSession,
  selectSessions,
  selectSessionWithAccount,
  updateSessionExpiry,
  type PlatformDatabase,
} from '@polder/db'
import { Lucia, TimeSpan, type Adapter } from 'lucia'
import type { SignedIn } from '../access/studio-session.ts'
import type { RequestFacts } from './actor.ts'
import { hashOpaqueToken, makeOpaqueToken } from './opaque-token.ts'

interface SessionFacts {
  publicId: string
  userAgent: string | null
  ip: string | null
  lastSeenAt: Date
}

type AccountFacts = Pick<SignedIn, 'email' | 'name' | 'isAdministrator'>

declare module 'lucia' {
  interface Register {
    Lucia: Lucia<SessionFacts, AccountFacts>
    DatabaseSessionAttributes: SessionFacts
    DatabaseUserAttributes: AccountFacts
  }
}

const IDLE = new TimeSpan(7, 'd')
const MAX_AGE = new TimeSpan(30, 'd')
const SEEN_EVERY_MS = 60_000
const USER_AGENT_LENGTH = 300

/** Starts a session and gives its id, which only the browser's cookie may hold. Clears away the sessions that have ended. */
export async function openSession(tx: PlatformDatabase, accountId: string, request: RequestFacts): Promise<string> {
  const lucia = openLucia(tx)
  await lucia.deleteExpiredSessions()
  const facts = { publicId: '', userAgent: request.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null, ip: request.ip, lastSeenAt: new Date() }
  return (await lucia.createSession(accountId, facts, { sessionId: makeOpaqueToken() })).id
}

/** The account behind a session id; null when the session has ended. Ends it seven days after it was last seen, 30 days after its start. */
export async function findSession(tx: PlatformDatabase, sessionId: string): Promise<SignedIn | null> {
  const { session, user } = await openLucia(tx).validateSession(sessionId)
  if (!session) return null
  // Lucia moves a session's end on in its second half only; seven idle days are to count from the last request.
  if (!session.fresh && Date.now() - session.lastSeenAt.getTime() > SEEN_EVERY_MS) {
    await updateSessionExpiry(tx, toHash(sessionId), new Date(Date.now() + IDLE.milliseconds()), MAX_AGE.seconds())
  }
  return {
    accountId: user.id,
    email: user.email,
    name: user.name,
    isAdministrator: user.isAdministrator,
    sessionId: session.publicId,
    token: null,
  }
}

function openLucia(tx: PlatformDatabase): Lucia<SessionFacts, AccountFacts> {
  return new Lucia(createSessionAdapter(tx), {
    sessionExpiresIn: IDLE,
    getSessionAttributes: ({ publicId, userAgent, ip, lastSeenAt }) => ({ publicId, userAgent, ip, lastSeenAt }),
    getUserAttributes: ({ email, name, isAdministrator }) => ({ email, name, isAdministrator }),
  })
}

/** Lucia keeps session ids as they are; this keeps only their hashes, so that a copy of the table signs nobody in. */
export function createSessionAdapter(tx: PlatformDatabase): Adapter {
  return {
    async getSessionAndUser(sessionId) {
      const row = await selectSessionWithAccount(tx, toHash(sessionId))
      if (!row) return [null, null]
      const attributes = { publicId: row.publicId, userAgent: null, ip: null, lastSeenAt: row.lastSeenAt }
      return [
        { id: sessionId, userId: row.accountId, expiresAt: row.expiresAt, attributes },
        { id: row.accountId, attributes: { email: row.email, name: row.name, isAdministrator: row.isAdministrator } },
      ]
    },
    // The real ids are not known here any more: those of lists stand in for them.
    getUserSessions: async (accountId) =>
      (await selectSessions(tx, accountId)).map(({ id, userAgent, ip, lastSeenAt, expiresAt }) => ({
        id,
        userId: accountId,
        expiresAt,
        attributes: { publicId: id, userAgent, ip, lastSeenAt },
      })),
    setSession: ({ id, userId, expiresAt, attributes }) =>
      insertSession(tx, { hash: toHash(id), accountId: userId, userAgent: attributes.userAgent, ip: attributes.ip, expiresAt }),
    updateSessionExpiration: (sessionId, expiresAt) => updateSessionExpiry(tx, toHash(sessionId), expiresAt, MAX_AGE.seconds()),
    deleteSession: (sessionId) => deleteSession(tx, toHash(sessionId)),
    deleteUserSessions: async (accountId) => void (await deleteSessionsOfAccount(tx, accountId, null)),
    deleteExpiredSessions: () => deleteExpiredSessions(tx),
  }
}

function toHash(sessionId: string): string {
  return hashOpaqueToken(sessionId).toString('hex')
}
