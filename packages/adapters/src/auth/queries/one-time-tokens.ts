import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

// GoTrue keeps each token twice: in its column of auth.users, and as a row of auth.one_time_tokens.
const COLUMNS = {
  confirmation: ['confirmation_token', 'confirmation_sent_at'],
  recovery: ['recovery_token', 'recovery_sent_at'],
  reauthentication: ['reauthentication_token', 'reauthentication_sent_at'],
  emailChangeNew: ['email_change_token_new', 'email_change_sent_at'],
  emailChangeCurrent: ['email_change_token_current', 'email_change_sent_at'],
  phoneChange: ['phone_change_token', 'phone_change_sent_at'],
} as const

/** What a code or link is for. */
export type TokenKind = keyof typeof COLUMNS

export interface TokenToStore {
  kind: TokenKind
  /** As it stands in the link. */
  token: string
  /** The address or number that it is sent to. */
  relatesTo: string
}

/** A change of address or number that waits for its codes. */
export interface PendingChange {
  email?: string
  phone?: string
}

/**
 * Keeps tokens of one kind of mail, or message, unless the last was sent less than `waitSeconds` ago; then the answer is the seconds
 * that are left. Of many who ask at once, one stores. Undefined where there is no such user.
 */
export async function storeTokens(
  tx: Tx,
  userId: string,
  tokens: readonly [TokenToStore, ...TokenToStore[]],
  { waitSeconds, change = {} }: { waitSeconds: number; change?: PendingChange },
): Promise<'stored' | { secondsLeft: number } | undefined> {
  const sentAt = COLUMNS[tokens[0].kind][1]
  const sets = tokens.map(({ kind, token }) => sql`${sql.ref(COLUMNS[kind][0])} = ${token}`)
  if (change.email !== undefined) sets.push(sql`email_change = ${change.email}, email_change_confirm_status = 0`)
  if (change.phone !== undefined) sets.push(sql`phone_change = ${change.phone}`)
  const stored = await sql<{ left: number | null; isStored: boolean }>`
    with found as (
      select id, extract(epoch from ${sql.ref(sentAt)} + pg_catalog.make_interval(secs => ${waitSeconds}) - pg_catalog.now()) as "left"
      from auth.users where id = ${userId}::pg_catalog.uuid for update
    ), stored as (
      update auth.users set ${sql.join(sets)}, ${sql.ref(sentAt)} = pg_catalog.now(), updated_at = pg_catalog.now()
      from found where auth.users.id = found.id and coalesce(found."left" <= 0, true)
      returning auth.users.id
    )
    select "left"::pg_catalog.float8 as left, exists (select from stored) as "isStored" from found`.execute(tx)
  const found = stored.rows[0]
  if (!found) return undefined
  if (!found.isStored) return { secondsLeft: Math.max(0, Math.floor(found.left ?? 0)) }
  const rows = tokens.map(
    ({ kind, token, relatesTo }) => sql`(pg_catalog.gen_random_uuid(), ${userId}::pg_catalog.uuid,
      ${COLUMNS[kind][0]}::auth.one_time_token_type, ${token}::pg_catalog.text, pg_catalog.lower(${relatesTo}))`,
  )
  await sql`
    insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to) values ${sql.join(rows)}
    on conflict (user_id, token_type) do update set id = excluded.id, token_hash = excluded.token_hash, relates_to = excluded.relates_to,
      created_at = excluded.created_at, updated_at = excluded.updated_at`.execute(tx)
  return 'stored'
}

/** Forgets tokens that could not be sent, as if nobody had asked: another try need not wait. */
export async function withdrawTokens(tx: Tx, userId: string, tokens: readonly TokenToStore[]): Promise<void> {
  for (const { kind, token } of tokens) {
    const [column, sentAt] = COLUMNS[kind]
    await sql`
      update auth.users set ${sql.ref(column)} = '', ${sql.ref(sentAt)} = null
      where id = ${userId}::pg_catalog.uuid and ${sql.ref(column)} = ${token}`.execute(tx)
    await sql`delete from auth.one_time_tokens where user_id = ${userId}::pg_catalog.uuid and token_hash = ${token}`.execute(tx)
  }
}

/** Uses tokens up. */
export async function clearTokens(tx: Tx, userId: string, kinds: readonly TokenKind[]): Promise<void> {
  const sets = kinds.map((kind) => sql`${sql.ref(COLUMNS[kind][0])} = ''`)
  await sql`update auth.users set ${sql.join(sets)}, updated_at = pg_catalog.now() where id = ${userId}::pg_catalog.uuid`.execute(tx)
  const types = kinds.map((kind) => sql`${COLUMNS[kind][0]}::auth.one_time_token_type`)
  await sql`
    delete from auth.one_time_tokens where user_id = ${userId}::pg_catalog.uuid and token_type in (${sql.join(types)})`.execute(tx)
}

/** The user whom a link with this token was sent to, for one of these kinds, and the address. */
export async function findTokenOwner(
  tx: Tx,
  token: string,
  kinds: readonly TokenKind[],
): Promise<{ userId: string; relatesTo: string } | undefined> {
  const types = kinds.map((kind) => sql`${COLUMNS[kind][0]}::auth.one_time_token_type`)
  const result = await sql<{ userId: string; relatesTo: string }>`
    select user_id as "userId", relates_to as "relatesTo" from auth.one_time_tokens
    where token_hash = ${token} and token_type in (${sql.join(types)}) limit 1`.execute(tx)
  return result.rows[0]
}

/** A token that waits, and for how long. */
export interface PendingToken {
  token: string | null
  ageSeconds: number | null
}

/** Everything that waits for a user's answer. */
export interface PendingTokens extends Record<TokenKind, PendingToken> {
  newEmail: string | null
  newPhone: string | null
  /** How many of the two sides have agreed to a change of address. */
  emailChangeStatus: number
  hasPassword: boolean
}

/** What waits for the user's answer, with the row held, so that nothing is used twice. */
export async function lockPendingTokens(tx: Tx, userId: string): Promise<PendingTokens | undefined> {
  const kinds = Object.keys(COLUMNS) as TokenKind[]
  const columns = kinds.map((kind) => {
    const [token, sentAt] = COLUMNS[kind]
    return sql`pg_catalog.json_build_object('token', ${sql.ref(token)},
      'ageSeconds', extract(epoch from pg_catalog.now() - ${sql.ref(sentAt)})) as ${sql.ref(kind)}`
  })
  const result = await sql<PendingTokens>`
    select ${sql.join(columns)}, email_change as "newEmail", phone_change as "newPhone",
      coalesce(email_change_confirm_status, 0)::pg_catalog.int4 as "emailChangeStatus", coalesce(encrypted_password, '') <> '' as "hasPassword"
    from auth.users where id = ${userId}::pg_catalog.uuid for update`.execute(tx)
  return result.rows[0]
}
