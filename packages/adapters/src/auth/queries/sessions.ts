import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

export interface NewSession {
  id: string
  userId: string
  /** The hash that a password was checked against: no session is made when the password was changed in between. */
  passwordHash?: string | null
  /** SHA-256 of the first refresh token. */
  tokenHash: string
  /** How the user proved who they are, by GoTrue's name. */
  method: string
  ip: string | null
  userAgent: string | null
}

/** Starts a session with its first refresh token, in one statement. False when the user is gone or has another password by now. */
export async function insertSession(tx: Tx, session: NewSession): Promise<boolean> {
  const hasPassword = session.passwordHash === undefined ? sql`true` : sql`encrypted_password is not distinct from ${session.passwordHash}`
  const result = await sql<{ id: string }>`
    with signed_in as (
      update auth.users set last_sign_in_at = pg_catalog.now(), updated_at = pg_catalog.now()
      where id = ${session.userId}::pg_catalog.uuid and ${hasPassword} and deleted_at is null
      returning id, instance_id
    ), started as (
      insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip)
      select ${session.id}::pg_catalog.uuid, signed_in.id, pg_catalog.now(), pg_catalog.now(), 'aal1', ${session.userAgent},
        ${session.ip}::pg_catalog.inet
      from signed_in
      returning id, user_id
    ), proven as (
      insert into auth.mfa_amr_claims (session_id, created_at, updated_at, authentication_method)
      select started.id, pg_catalog.now(), pg_catalog.now(), ${session.method} from started
    )
    insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, session_id)
    select signed_in.instance_id, ${session.tokenHash}, started.user_id::pg_catalog.text, false, pg_catalog.now(), pg_catalog.now(), started.id
    from started, signed_in
    returning session_id as id`.execute(tx)
  return result.rows.length === 1
}

/** Whether the user has this session and it has not run out. */
export async function hasSession(tx: Tx, id: string, userId: string): Promise<boolean> {
  const result = await sql`
    select from auth.sessions where id = ${id}::pg_catalog.uuid and user_id = ${userId}::pg_catalog.uuid
      and (not_after is null or not_after > pg_catalog.now())`.execute(tx)
  return result.rows.length === 1
}

/** How long ago a session began, in seconds, and how its user has proven who they are in it. */
export async function findSessionProofs(tx: Tx, id: string): Promise<{ ageSeconds: number; methods: string[] } | undefined> {
  const result = await sql<{ ageSeconds: number; methods: string[] }>`
    select coalesce(extract(epoch from pg_catalog.now() - session.created_at), 'infinity')::pg_catalog.float8 as "ageSeconds",
      array(select claim.authentication_method from auth.mfa_amr_claims as claim where claim.session_id = session.id) as methods
    from auth.sessions as session where session.id = ${id}::pg_catalog.uuid`.execute(tx)
  return result.rows[0]
}

export interface UserSessionRow {
  id: string
  createdAt: Date | null
  refreshedAt: Date | null
  notAfter: Date | null
  aal: string | null
  userAgent: string | null
  ip: string | null
  methods: string[]
}

/** The sessions of a user, the newest first. */
export async function selectSessions(tx: Tx, userId: string): Promise<UserSessionRow[]> {
  const result = await sql<UserSessionRow>`
    select session.id, session.created_at as "createdAt", session.refreshed_at at time zone 'utc' as "refreshedAt",
      session.not_after as "notAfter", session.aal::pg_catalog.text as aal, session.user_agent as "userAgent",
      pg_catalog.host(session.ip) as ip,
      array(select claim.authentication_method from auth.mfa_amr_claims as claim where claim.session_id = session.id
        order by claim.updated_at desc) as methods
    from auth.sessions as session where session.user_id = ${userId}::pg_catalog.uuid
    order by session.created_at desc nulls last limit 200`.execute(tx)
  return result.rows
}

/** Ends one session of a user, or all but it, or all; answers how many. */
export async function deleteSessions(tx: Tx, userId: string, which: { only?: string; except?: string } = {}): Promise<number> {
  let query = tx.deleteFrom('auth.sessions').where('user_id', '=', userId)
  if (which.only !== undefined) query = query.where('id', '=', which.only)
  if (which.except !== undefined) query = query.where('id', '<>', which.except)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}
