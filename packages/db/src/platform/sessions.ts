import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = [
  'public_id as id',
  'user_agent as userAgent',
  'ip',
  'created_at as createdAt',
  'last_seen_at as lastSeenAt',
  'expires_at as expiresAt',
] as const

/** A session as it is stored: `hash` is what the cookie's value hashes to. */
export interface NewSession {
  hash: string
  accountId: string
  userAgent: string | null
  ip: string | null
  expiresAt: Date
}

/** Opens a session. */
export async function insertSession(tx: PlatformDatabase, session: NewSession): Promise<void> {
  await tx
    .insertInto('sessions')
    .values({
      id: session.hash,
      account_id: session.accountId,
      user_agent: session.userAgent,
      ip: session.ip,
      expires_at: session.expiresAt,
    })
    .execute()
}

/** A session with its account, unless the account is disabled. */
export function selectSessionWithAccount(tx: PlatformDatabase, hash: string) {
  return tx
    .selectFrom('sessions')
    .innerJoin('accounts', 'accounts.id', 'sessions.account_id')
    .select([
      'sessions.public_id as publicId',
      'sessions.account_id as accountId',
      'sessions.last_seen_at as lastSeenAt',
      'sessions.created_at as createdAt',
      'sessions.expires_at as expiresAt',
      'accounts.email',
      'accounts.name',
      'accounts.is_administrator as isAdministrator',
    ])
    .where('sessions.id', '=', hash)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst()
}

/** The living sessions of an account, last seen first. */
export function selectSessions(tx: PlatformDatabase, accountId: string) {
  return tx
    .selectFrom('sessions')
    .select(COLUMNS)
    .where('account_id', '=', accountId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('last_seen_at', 'desc')
    .execute()
}

/** Notes that a session was seen, and moves its end on, though never beyond the given age. */
export async function updateSessionExpiry(tx: PlatformDatabase, hash: string, expiresAt: Date, maxAgeSeconds: number): Promise<void> {
  await tx
    .updateTable('sessions')
    .set({
      last_seen_at: sql<Date>`now()`,
      expires_at: sql<Date>`least(${expiresAt}::timestamptz, created_at + make_interval(secs => ${maxAgeSeconds}))`,
    })
    .where('id', '=', hash)
    .execute()
}

/** Ends the session that a cookie names. */
export async function deleteSession(tx: PlatformDatabase, hash: string): Promise<void> {
  await tx.deleteFrom('sessions').where('id', '=', hash).execute()
}

/** Ends one session of an account by the id that lists show; false when there is none. */
export async function deleteSessionOfAccount(tx: PlatformDatabase, accountId: string, publicId: string): Promise<boolean> {
  const deleted = await tx.deleteFrom('sessions').where('account_id', '=', accountId).where('public_id', '=', publicId).executeTakeFirst()
  return deleted.numDeletedRows > 0n
}

/** Ends all sessions of an account, but for the one to keep; says how many. */
export async function deleteSessionsOfAccount(tx: PlatformDatabase, accountId: string, keptPublicId: string | null): Promise<number> {
  let query = tx.deleteFrom('sessions').where('account_id', '=', accountId)
  if (keptPublicId !== null) query = query.where('public_id', '!=', keptPublicId)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}

/** Clears away sessions that ended by age. */
export async function deleteExpiredSessions(tx: PlatformDatabase): Promise<void> {
  await tx
    .deleteFrom('sessions')
    .where('expires_at', '<=', sql<Date>`now()`)
    .execute()
}
