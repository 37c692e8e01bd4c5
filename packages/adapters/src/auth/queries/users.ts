import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { AuthUser } from '../auth-user.ts'
import { selectUserRows, toAuthUser } from './user-rows.ts'

type Tx = Kysely<ProjectTables>

/** GoTrue's instance, which every row carries. */
const INSTANCE = '00000000-0000-0000-0000-000000000000'

/** An address or a number that a user signs in with, as it is stored. */
export type UserAddress = { email: string } | { phone: string }

/** One user by id. */
export async function findUserById(tx: Tx, id: string): Promise<AuthUser | undefined> {
  const row = await selectUserRows(tx).where('auth.users.id', '=', id).executeTakeFirst()
  return row && toAuthUser(row)
}

/** The user who signs in with this address or number, with what is needed to check the password. */
export async function findUserByAddress(
  tx: Tx,
  address: UserAddress,
): Promise<{ user: AuthUser; passwordHash: string | null } | undefined> {
  const [column, value] = 'email' in address ? (['email', address.email] as const) : (['phone', address.phone] as const)
  const row = await selectUserRows(tx)
    .select('auth.users.encrypted_password')
    .where(`auth.users.${column}`, '=', value)
    .where('auth.users.is_sso_user', '=', false)
    .executeTakeFirst()
  return row && { user: toAuthUser(row), passwordHash: row.encrypted_password || null }
}

/** The user who wants to have this number and has not proven it yet. */
export async function findUserByNewPhone(tx: Tx, phone: string): Promise<AuthUser | undefined> {
  const row = await selectUserRows(tx).where('auth.users.phone_change', '=', phone).limit(1).executeTakeFirst()
  return row && toAuthUser(row)
}

/** The hash of a user's password. */
export async function findPasswordHash(tx: Tx, id: string): Promise<string | null> {
  const row = await tx.selectFrom('auth.users').select('encrypted_password').where('id', '=', id).executeTakeFirst()
  return row?.encrypted_password || null
}

/** The id of the user who has the address, as their own or by an identity, other than `except`. */
export async function findEmailOwner(tx: Tx, email: string, except: string | null = null): Promise<string | undefined> {
  const result = await sql<{ id: string }>`
    select id from auth.users where email = ${email} and is_sso_user = false and id is distinct from ${except}::pg_catalog.uuid
    union all
    select user_id from auth.identities where email = ${email} and user_id is distinct from ${except}::pg_catalog.uuid
    limit 1`.execute(tx)
  return result.rows[0]?.id
}

/** The id of the user who has the number, other than `except`. */
export async function findPhoneOwner(tx: Tx, phone: string, except: string | null = null): Promise<string | undefined> {
  const result = await sql<{ id: string }>`
    select id from auth.users where phone = ${phone} and id is distinct from ${except}::pg_catalog.uuid limit 1`.execute(tx)
  return result.rows[0]?.id
}

export interface NewUser {
  id: string
  email: string | null
  phone: string | null
  passwordHash: string | null
  role: string
  isAnonymous: boolean
  /** JSON objects, as text. */
  appMetadata: string
  userMetadata: string
  /** What the user can sign in with; none for an anonymous one. */
  identities: { provider: 'email' | 'phone'; data: Record<string, unknown> }[]
}

/**
 * Adds a user who is not confirmed yet, with their identities. `taken` when someone has the address or the number already, `id_taken`
 * when someone has the id; `swallowed` when a tenant's trigger kept one of the rows out: the caller must undo the transaction then.
 */
export async function insertUser(tx: Tx, user: NewUser): Promise<'added' | 'taken' | 'id_taken' | 'swallowed'> {
  const result = await sql<{ isAdded: boolean; isComplete: boolean }>`
    with added as (
      insert into auth.users (instance_id, id, aud, role, email, phone, encrypted_password, raw_app_meta_data, raw_user_meta_data,
        created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change, is_anonymous)
      select ${INSTANCE}::pg_catalog.uuid, ${user.id}::pg_catalog.uuid, 'authenticated', ${user.role}, ${user.email}, ${user.phone},
        ${user.passwordHash}, ${user.appMetadata}::pg_catalog.jsonb, ${user.userMetadata}::pg_catalog.jsonb, pg_catalog.now(),
        pg_catalog.now(), '', '', '', '', ${user.isAnonymous}::pg_catalog.bool
      where not exists (select from auth.identities where email = ${user.email})
      on conflict do nothing
      returning id
    ), identified as (
      insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
      select added.id::pg_catalog.text, added.id, each.data, each.provider, pg_catalog.now(), pg_catalog.now(), pg_catalog.now()
      from added, pg_catalog.jsonb_to_recordset(${JSON.stringify(user.identities)}::pg_catalog.jsonb)
        as each (provider pg_catalog.text, data pg_catalog.jsonb)
      returning id
    )
    select exists (select from added) as "isAdded",
      (select pg_catalog.count(*) from identified) = ${user.identities.length} as "isComplete"`.execute(tx)
  const { isAdded, isComplete } = result.rows[0]!
  if (isAdded) return isComplete ? 'added' : 'swallowed'
  const hasOwner =
    (user.email !== null && (await findEmailOwner(tx, user.email)) !== undefined) ||
    (user.phone !== null && (await findPhoneOwner(tx, user.phone)) !== undefined)
  if (hasOwner) return 'taken'
  return (await findUserById(tx, user.id)) === undefined ? 'swallowed' : 'id_taken'
}

/** Removes a user and, by foreign keys, their sessions and identities. False when there was none. */
export async function deleteUser(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.deleteFrom('auth.users').where('id', '=', id).executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Removes a user who was added a moment ago, as long as nothing was made of the row since. */
export async function deleteUnconfirmedUser(tx: Tx, id: string): Promise<void> {
  await sql`
    delete from auth.users
    where id = ${id}::pg_catalog.uuid and email_confirmed_at is null and phone_confirmed_at is null and last_sign_in_at is null`.execute(tx)
}

/** Keeps a user's row for foreign keys, without anything that says who it was. */
export async function softDeleteUser(tx: Tx, id: string): Promise<void> {
  const hidden = (column: string) => sql`pg_catalog.translate(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
    id::pg_catalog.text || coalesce(${sql.ref(column)}, ''), 'UTF8')), 'base64'), '+/=', '-_')`
  await sql`
    update auth.users set email = ${hidden('email')}, phone = pg_catalog.left(${hidden('phone')}, 15), encrypted_password = null,
      email_change = '', phone_change = '', confirmation_token = '', recovery_token = '', email_change_token_current = '',
      email_change_token_new = '', phone_change_token = '', reauthentication_token = '', raw_user_meta_data = '{}', raw_app_meta_data = '{}',
      deleted_at = coalesce(deleted_at, pg_catalog.now()), updated_at = pg_catalog.now()
    where id = ${id}::pg_catalog.uuid and deleted_at is null`.execute(tx)
  await sql`
    update auth.identities set identity_data = '{}', updated_at = pg_catalog.now(),
      provider_id = pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(provider || ':' || provider_id, 'UTF8')), 'hex')
    where user_id = ${id}::pg_catalog.uuid and identity_data <> '{}'`.execute(tx)
  await sql`delete from auth.one_time_tokens where user_id = ${id}::pg_catalog.uuid`.execute(tx)
}
