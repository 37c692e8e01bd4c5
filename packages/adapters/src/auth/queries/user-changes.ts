import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

/** Marks the address as confirmed, as GoTrue does it: an update of its own, which triggers may listen to. */
export async function confirmEmail(tx: Tx, id: string): Promise<void> {
  await sql`
    update auth.users set email_confirmed_at = pg_catalog.now(), confirmation_token = '', updated_at = pg_catalog.now(),
      raw_user_meta_data = ${mergedJson('raw_user_meta_data', '{"email_verified": true}')}
    where id = ${id}::pg_catalog.uuid`.execute(tx)
  await forgetConfirmation(tx, id)
}

/** Marks the number as confirmed. */
export async function confirmPhone(tx: Tx, id: string): Promise<void> {
  await sql`
    update auth.users set phone_confirmed_at = pg_catalog.now(), confirmation_token = '', updated_at = pg_catalog.now(), is_anonymous = false
    where id = ${id}::pg_catalog.uuid`.execute(tx)
  await forgetConfirmation(tx, id)
}

async function forgetConfirmation(tx: Tx, id: string): Promise<void> {
  await sql`
    delete from auth.one_time_tokens where user_id = ${id}::pg_catalog.uuid and token_type = 'confirmation_token'`.execute(tx)
}

export interface UserChange {
  role?: string
  /** Null takes the password away. */
  passwordHash?: string | null
  /** JSON objects as text: their keys replace the user's, keys with null are removed. */
  userMetadata?: string
  appMetadata?: string
  /** Seconds from now; null lifts the ban. */
  banSeconds?: number | null
}

/** Changes what is given, in one update. False when there is no such user (any more). */
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
  if (passwordHash !== undefined) await sql`delete from auth.one_time_tokens where user_id = ${id}::pg_catalog.uuid`.execute(tx)
  return result.numAffectedRows === 1n
}

/** Puts a new hash in the place of the one that the password was just checked against; no change of password. */
export async function replacePasswordHash(tx: Tx, id: string, from: string, to: string): Promise<void> {
  await sql`
    update auth.users set encrypted_password = ${to} where id = ${id}::pg_catalog.uuid and encrypted_password = ${from}`.execute(tx)
}

/** Gives the user another address. */
export async function setEmail(tx: Tx, id: string, email: string, isConfirmed: boolean): Promise<void> {
  await sql`
    update auth.users set email = ${email}, updated_at = pg_catalog.now(), is_anonymous = is_anonymous and not ${isConfirmed}::pg_catalog.bool,
      email_confirmed_at = case when ${isConfirmed}::pg_catalog.bool then pg_catalog.now() else email_confirmed_at end
    where id = ${id}::pg_catalog.uuid`.execute(tx)
}

/** Gives the user another phone number. */
export async function setPhone(tx: Tx, id: string, phone: string, isConfirmed: boolean): Promise<void> {
  await sql`
    update auth.users set phone = ${phone}, updated_at = pg_catalog.now(), is_anonymous = is_anonymous and not ${isConfirmed}::pg_catalog.bool,
      phone_confirmed_at = case when ${isConfirmed}::pg_catalog.bool then pg_catalog.now() else phone_confirmed_at end
    where id = ${id}::pg_catalog.uuid`.execute(tx)
}

/** Notes that one of the two sides of a change of address has agreed. */
export async function acceptEmailChange(tx: Tx, id: string): Promise<void> {
  await sql`
    update auth.users set email_change_confirm_status = 1, updated_at = pg_catalog.now() where id = ${id}::pg_catalog.uuid`.execute(tx)
}

/** Ends a change of address or of number, whatever came of it. */
export async function endChange(tx: Tx, id: string, of: 'email' | 'phone'): Promise<void> {
  const sets =
    of === 'email'
      ? sql`email_change = '', email_change_token_current = '', email_change_token_new = '', email_change_confirm_status = 0`
      : sql`phone_change = '', phone_change_token = ''`
  await sql`update auth.users set ${sets}, updated_at = pg_catalog.now() where id = ${id}::pg_catalog.uuid`.execute(tx)
  const types = of === 'email' ? sql`('email_change_token_current', 'email_change_token_new')` : sql`('phone_change_token')`
  await sql`delete from auth.one_time_tokens where user_id = ${id}::pg_catalog.uuid and token_type in ${types}`.execute(tx)
}

/** Marks the user as invited by now. */
export async function markInvited(tx: Tx, id: string): Promise<void> {
  await sql`update auth.users set invited_at = pg_catalog.now(), updated_at = pg_catalog.now() where id = ${id}::pg_catalog.uuid`.execute(
    tx,
  )
}

/** The column's object with the keys of the other one in place, and without those that are null there. */
function mergedJson(column: string, json: string) {
  return sql`(
    case when pg_catalog.jsonb_typeof(${sql.ref(column)}) = 'object' then ${sql.ref(column)} else '{}'::pg_catalog.jsonb end
      || ${json}::pg_catalog.jsonb
  ) - array(select key from pg_catalog.jsonb_each(${json}::pg_catalog.jsonb) where value = 'null'::pg_catalog.jsonb)`
}
