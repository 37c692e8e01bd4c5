import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = ['id', 'email', 'name', 'is_administrator as isAdministrator', 'created_at as createdAt'] as const

/** Lets one sign-up at a time look whether it is the first, until its transaction ends. */
export async function lockSignUps(tx: PlatformDatabase): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('polder.sign_up', 0))`.execute(tx)
}

/** Whether the installation has an account already. */
export async function hasAccounts(tx: PlatformDatabase): Promise<boolean> {
  return (await tx.selectFrom('accounts').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** Adds an account; undefined when its e-mail is taken. */
export function insertAccount(
  tx: PlatformDatabase,
  account: { email: string; name: string; passwordHash: string; isAdministrator: boolean },
) {
  return tx
    .insertInto('accounts')
    .values({ email: account.email, name: account.name, password_hash: account.passwordHash, is_administrator: account.isAdministrator })
    .onConflict((conflict) => conflict.expression(sql`lower(email)`).doNothing())
    .returning(COLUMNS)
    .executeTakeFirst()
}

/** One account, without its password hash. */
export function selectAccount(tx: PlatformDatabase, accountId: string) {
  return tx.selectFrom('accounts').select(COLUMNS).where('id', '=', accountId).executeTakeFirst()
}

/** Whether there is an account with this e-mail. */
export async function hasAccountWithEmail(tx: PlatformDatabase, email: string): Promise<boolean> {
  return (
    (await tx
      .selectFrom('accounts')
      .select('id')
      .where(sql`lower(email)`, '=', email.toLowerCase())
      .executeTakeFirst()) !== undefined
  )
}

/** What a password is compared with; the hash must not leave the caller. */
export function selectCredentials(tx: PlatformDatabase, email: string) {
  return tx
    .selectFrom('accounts')
    .select([...COLUMNS, 'password_hash as passwordHash', 'disabled_at as disabledAt'])
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .executeTakeFirst()
}

// Rows that refer to an account only need its key to stay: `for update` would hold those up, and two such could wait for each other.

/** Holds an account's row until the transaction ends. */
export async function lockAccount(tx: PlatformDatabase, accountId: string): Promise<void> {
  await tx.selectFrom('accounts').select('id').where('id', '=', accountId).forNoKeyUpdate().execute()
}

/** The password hash of an account, its row held until the transaction ends. */
export function selectPasswordHashForUpdate(tx: PlatformDatabase, accountId: string) {
  return tx.selectFrom('accounts').select('password_hash as passwordHash').where('id', '=', accountId).forNoKeyUpdate().executeTakeFirst()
}

/** The password hash of an account, to compare a password with. */
export function selectPasswordHash(tx: PlatformDatabase, accountId: string) {
  return tx.selectFrom('accounts').select('password_hash as passwordHash').where('id', '=', accountId).executeTakeFirst()
}

/** Sets a new password. */
export async function updatePassword(tx: PlatformDatabase, accountId: string, passwordHash: string): Promise<void> {
  await tx
    .updateTable('accounts')
    .set({ password_hash: passwordHash, password_changed_at: sql<Date>`now()`, updated_at: sql<Date>`now()` })
    .where('id', '=', accountId)
    .execute()
}

/** Replaces the hash of an unchanged password, unless the password was changed meanwhile. */
export async function updatePasswordHash(tx: PlatformDatabase, accountId: string, from: string, to: string): Promise<void> {
  await tx.updateTable('accounts').set({ password_hash: to }).where('id', '=', accountId).where('password_hash', '=', from).execute()
}

/** Renames an account. */
export function updateAccount(tx: PlatformDatabase, accountId: string, change: { name: string }) {
  return tx
    .updateTable('accounts')
    .set({ name: change.name, updated_at: sql<Date>`now()` })
    .where('id', '=', accountId)
    .returning(COLUMNS)
    .executeTakeFirst()
}
