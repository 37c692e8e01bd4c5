import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

export interface NewSession {
  id: string
  userId: string
  /** The hash that the password was checked against: none is made when the password was changed in between. */
  passwordHash: string | null
  /** SHA-256 of the first refresh token. */
  tokenHash: string
  method: 'password'
  ip: string | null
  userAgent: string | null
}

/** Starts a session with its first refresh token, in one statement. False when the user is gone or has another password by now. */
export async function insertSession(tx: Tx, session: NewSession): Promise<boolean> {
  const result = await sql<{ id: string }>`
    with signed_in as (
      update auth.users set last_sign_in_at = pg_catalog.now(), updated_at = pg_catalog.now()
      where id = ${session.userId}::pg_catalog.uuid and encrypted_password is not distinct from ${session.passwordHash} and deleted_at is null
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

/** Ends one session of a user, or all but it, or all. */
export async function deleteSessions(tx: Tx, userId: string, which: { only?: string; except?: string } = {}): Promise<void> {
  let query = tx.deleteFrom('auth.sessions').where('user_id', '=', userId)
  if (which.only !== undefined) query = query.where('id', '=', which.only)
  if (which.except !== undefined) query = query.where('id', '<>', which.except)
  await query.execute()
}
