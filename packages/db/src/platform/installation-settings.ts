import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** Whether anybody may sign up; the fallback holds until an administrator decides. */
export async function selectIsSignUpOpen(tx: PlatformDatabase, fallback: boolean): Promise<boolean> {
  const row = await tx.selectFrom('installation_settings').select('value').where('name', '=', 'is_sign_up_open').executeTakeFirst()
  return row ? row.value === true : fallback
}

/** Opens or closes sign-up. */
export async function updateIsSignUpOpen(tx: PlatformDatabase, isOpen: boolean): Promise<void> {
  const value = JSON.stringify(isOpen)
  await tx
    .insertInto('installation_settings')
    .values({ name: 'is_sign_up_open', value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value, updated_at: sql<Date>`now()` }))
    .execute()
}
