import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { AuthUser } from '../auth-user.ts'
import type { SessionProof } from '../user-session.ts'
import { toAuthUser, toUserColumns, type UserRow } from './user-rows.ts'

type Tx = Kysely<ProjectTables>

/** A session and how its user proved who they are, most recent first. */
export interface SessionFacts extends SessionProof {
  userId: string
}

/** What the project's settings say of sessions; seconds, null for no end. */
export interface SessionLimits {
  timebox: number | null
  inactivity: number | null
  /** Only the session that was used last can be refreshed. */
  isSingle: boolean
  /** How long a spent token can be used again. */
  reuseSeconds: number
}

export interface Rotation {
  tokenHash: string
  successorHash: string
  /** The successor, sealed with the token. */
  sealedSuccessor: Buffer
  ip: string | null
  userAgent: string | null
}

const FACTS = sql`session.id as "sessionId", session.user_id as "userId", coalesce(session.aal::pg_catalog.text, 'aal1') as aal,
  coalesce((
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('method', claim.authentication_method,
      'timestamp', pg_catalog.floor(extract(epoch from claim.updated_at))) order by claim.updated_at desc)
    from auth.mfa_amr_claims as claim where claim.session_id = session.id
  ), '[]'::pg_catalog.jsonb) as amr`

const lastUsed = (session: string) => sql.raw(`coalesce(${session}.refreshed_at at time zone 'utc', ${session}.created_at)`)

const isOver = ({ timebox }: SessionLimits) => sql<boolean>`(coalesce(session.not_after <= pg_catalog.now(), false)
  ${timebox === null ? sql`` : sql`or session.created_at <= pg_catalog.now() - pg_catalog.make_interval(secs => ${timebox})`})`

const isInactive = ({ inactivity }: SessionLimits) =>
  inactivity === null
    ? sql<boolean>`false`
    : sql<boolean>`coalesce(${lastUsed('session')} <= pg_catalog.now() - pg_catalog.make_interval(secs => ${inactivity}), false)`

const isReplaced = ({ isSingle }: SessionLimits) =>
  isSingle
    ? sql<boolean>`exists (
        select from auth.sessions as other
        where other.user_id = session.user_id and other.id <> session.id and ${lastUsed('other')} > ${lastUsed('session')}
          and (other.not_after is null or other.not_after > pg_catalog.now())
      )`
    : sql<boolean>`false`

/**
 * Spends a token, puts its successor in its place and reads the user, in one statement. Undefined when the token cannot be spent: unknown, spent
 * already, its session over, its user banned. The session's row is locked before the token's, as signing out does it, so that the
 * two never wait for each other; of many who come with one token, one finds it unspent.
 */
export async function rotateRefreshToken(
  tx: Tx,
  limits: SessionLimits,
  rotation: Rotation,
): Promise<{ facts: SessionFacts; user: AuthUser } | undefined> {
  const result = await sql<SessionFacts & UserRow>`
    with session as materialized (
      select session.id, session.user_id, session.aal
      from auth.refresh_tokens as token join auth.sessions as session on session.id = token.session_id
      where token.token = ${rotation.tokenHash} and not ${isOver(limits)} and not ${isInactive(limits)} and not ${isReplaced(limits)}
      for no key update of session
    ), spent as (
      update auth.refresh_tokens as token set revoked = true, updated_at = pg_catalog.now(), sealed_successor = ${rotation.sealedSuccessor}
      from session join auth.users as owner on owner.id = session.user_id
      where token.token = ${rotation.tokenHash} and token.session_id = session.id and token.revoked is not true
        and owner.deleted_at is null and (owner.banned_until is null or owner.banned_until <= pg_catalog.now())
      returning token.session_id, token.instance_id, token.user_id
    ), replaced as (
      insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
      select spent.instance_id, ${rotation.successorHash}, spent.user_id, false, pg_catalog.now(), pg_catalog.now(), ${rotation.tokenHash},
        spent.session_id
      from spent
      returning session_id
    ), refreshed as (
      update auth.sessions as used set refreshed_at = pg_catalog.now() at time zone 'utc', updated_at = pg_catalog.now(),
        user_agent = ${rotation.userAgent}, ip = ${rotation.ip}::pg_catalog.inet
      from replaced where used.id = replaced.session_id
    )
    select ${FACTS}, ${toUserColumns('owner')}
    from session join replaced on replaced.session_id = session.id join auth.users as owner on owner.id = session.user_id`.execute(tx)
  const row = result.rows[0]
  return row && { facts: row, user: toAuthUser(row) }
}

/** Why a token could not be spent. */
export interface TokenState extends SessionFacts {
  isSpent: boolean
  /** Spent no longer ago than the reuse interval. */
  isFresh: boolean
  isOver: boolean
  isInactive: boolean
  /** Another session of the user was used later, where the project wants one only. */
  isReplaced: boolean
  isBanned: boolean
  sealedSuccessor: Buffer | null
}

/** The token's state, or undefined if there is none. */
export async function findTokenState(tx: Tx, tokenHash: string, limits: SessionLimits): Promise<TokenState | undefined> {
  const result = await sql<TokenState>`
    select ${FACTS}, coalesce(token.revoked, false) as "isSpent", token.sealed_successor as "sealedSuccessor",
      coalesce(token.updated_at > pg_catalog.now() - pg_catalog.make_interval(secs => ${limits.reuseSeconds}), false) as "isFresh",
      ${isOver(limits)} as "isOver", ${isInactive(limits)} as "isInactive", ${isReplaced(limits)} as "isReplaced",
      coalesce(owner.deleted_at is not null or owner.banned_until > pg_catalog.now(), false) as "isBanned"
    from auth.refresh_tokens as token
    join auth.sessions as session on session.id = token.session_id
    join auth.users as owner on owner.id = session.user_id
    where token.token = ${tokenHash}`.execute(tx)
  return result.rows[0]
}
