import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { AuthUser } from '../auth-user.ts'
import { selectUserRows, toAuthUser } from './user-rows.ts'

type Tx = Kysely<ProjectTables>

/** GoTrue's instance, which every row carries. */
const INSTANCE = '00000000-0000-0000-0000-000000000000'

/** One user by id. */
export async function findUserById(tx: Tx, id: string): Promise<AuthUser | undefined> {
  const row = await selectUserRows(tx).where('auth.users.id', '=', id).executeTakeFirst()
  return row && toAuthUser(row)
}

/** The user who signs in with this address, with what is needed to check the password. */
export async function findUserByEmail(tx: Tx, email: string): Promise<{ user: AuthUser; passwordHash: string | null } | undefined> {
  const row = await selectUserRows(tx)
    .select('auth.users.encrypted_password')
    .where('auth.users.email', '=', email)
    .where('auth.users.is_sso_user', '=', false)
    .executeTakeFirst()
  return row && { user: toAuthUser(row), passwordHash: row.encrypted_password || null }
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

export interface NewUser {
  id: string
  email: string
  passwordHash: string | null
  role: string
  /** JSON objects, as text. */
  appMetadata: string
  userMetadata: string
  identityData: string
}

/**
 * Adds a user who is not confirmed yet, with an identity of provider `email`. `taken` when someone has the address already;
 * `swallowed` when a tenant's trigger kept one of the rows out: the caller must undo the transaction then.
 */
export async function insertUser(tx: Tx, user: NewUser): Promise<'added' | 'taken' | 'swallowed'> {
  const result = await sql<{ isAdded: boolean; isComplete: boolean }>`
    with added as (
      insert into auth.users (instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data,
        created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)
      select ${INSTANCE}::pg_catalog.uuid, ${user.id}::pg_catalog.uuid, 'authenticated', ${user.role}, ${user.email}, ${user.passwordHash},
        ${user.appMetadata}::pg_catalog.jsonb, ${user.userMetadata}::pg_catalog.jsonb, pg_catalog.now(), pg_catalog.now(), '', '', '', ''
      where not exists (select from auth.identities where email = ${user.email})
      on conflict (email) where (is_sso_user = false) do nothing
      returning id
    ), identified as (
      insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
      select added.id::pg_catalog.text, added.id, ${user.identityData}::pg_catalog.jsonb, 'email', pg_catalog.now(), pg_catalog.now(),
        pg_catalog.now()
      from added
      returning id
    )
    select exists (select from added) as "isAdded", exists (select from identified) as "isComplete"`.execute(tx)
  const { isAdded, isComplete } = result.rows[0]!
  if (isAdded) return isComplete ? 'added' : 'swallowed'
  return (await findEmailOwner(tx, user.email)) === undefined ? 'swallowed' : 'taken'
}

/** Marks the address as confirmed, as GoTrue does it: an update of its own, which triggers may listen to. */
export async function confirmUser(tx: Tx, id: string): Promise<void> {
  await sql`
    update auth.users set email_confirmed_at = pg_catalog.now(), confirmation_token = '', updated_at = pg_catalog.now(),
      raw_user_meta_data = ${mergedJson('raw_user_meta_data', '{"email_verified": true}')}
    where id = ${id}::pg_catalog.uuid`.execute(tx)
}

export interface UserChange {
  role?: string
  passwordHash?: string
  /** JSON objects as text: their keys replace the user's, keys with null are removed. */
  userMetadata?: string
  appMetadata?: string
  /** Seconds from now; null lifts the ban. */
  banSeconds?: number | null
}

/** Changes what is given; each is one update. False when there is no such user (any more). */
export async function updateUser(tx: Tx, id: string, change: UserChange): Promise<boolean> {
  const { role, passwordHash, userMetadata, appMetadata, banSeconds } = change
  const sets = [sql`updated_at = pg_catalog.now()`]
  if (role !== undefined) sets.push(sql`role = ${role}`)
  if (passwordHash !== undefined) {
    // one who changes the password may no longer trust what was mailed before
    sets.push(sql`encrypted_password = ${passwordHash}, confirmation_token = '', recovery_token = '', email_change_token_new = '',
      email_change_token_current = '', phone_change_token = '', reauthentication_token = '', confirmation_sent_at = null,
      recovery_sent_at = null, email_change_sent_at = null, phone_change_sent_at = null, reauthentication_sent_at = null`)
  }
  if (userMetadata !== undefined) sets.push(sql`raw_user_meta_data = ${mergedJson('raw_user_meta_data', userMetadata)}`)
  if (appMetadata !== undefined) sets.push(sql`raw_app_meta_data = ${mergedJson('raw_app_meta_data', appMetadata)}`)
  if (banSeconds === null) sets.push(sql`banned_until = null`)
  if (typeof banSeconds === 'number') sets.push(sql`banned_until = pg_catalog.now() + pg_catalog.make_interval(secs => ${banSeconds})`)
  const result = await sql`update auth.users set ${sql.join(sets)} where id = ${id}::pg_catalog.uuid`.execute(tx)
  return result.numAffectedRows === 1n
}

/** Gives the user another address, in `auth.users` and in the identity of provider `email`, which is made where it is missing. */
export async function updateUserEmail(tx: Tx, id: string, email: string, isConfirmed: boolean): Promise<void> {
  const data = JSON.stringify({ sub: id, email, email_verified: isConfirmed })
  await sql`
    insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
    values (${id}, ${id}::pg_catalog.uuid, ${data}::pg_catalog.jsonb, 'email', pg_catalog.now(), pg_catalog.now(), pg_catalog.now())
    on conflict (provider_id, provider) do update set updated_at = pg_catalog.now(),
      identity_data = auth.identities.identity_data || excluded.identity_data`.execute(tx)
  await sql`
    update auth.users set email = ${email}, updated_at = pg_catalog.now(), is_anonymous = is_anonymous and not ${isConfirmed}::pg_catalog.bool,
      email_confirmed_at = case when ${isConfirmed}::pg_catalog.bool then pg_catalog.now() else email_confirmed_at end
    where id = ${id}::pg_catalog.uuid`.execute(tx)
}

/** Removes a user and, by foreign keys, their sessions and identities. False when there was none. */
export async function deleteUser(tx: Tx, id: string): Promise<boolean> {
  const result = await tx.deleteFrom('auth.users').where('id', '=', id).executeTakeFirst()
  return result.numDeletedRows === 1n
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
}

/** The column's object with the keys of the other one in place, and without those that are null there. */
function mergedJson(column: string, json: string) {
  return sql`(
    case when pg_catalog.jsonb_typeof(${sql.ref(column)}) = 'object' then ${sql.ref(column)} else '{}'::pg_catalog.jsonb end
      || ${json}::pg_catalog.jsonb
  ) - array(select key from pg_catalog.jsonb_each(${json}::pg_catalog.jsonb) where value = 'null'::pg_catalog.jsonb)`
}
