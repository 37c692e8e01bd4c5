import type { MemberRole } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = [
  'members.account_id as accountId',
  'accounts.email',
  'accounts.name',
  'members.role',
  'members.created_at as joinedAt',
] as const

/** The role of an account in an organization; undefined when it is no member, or there is no such organization. */
export async function selectRole(tx: PlatformDatabase, organizationId: string, accountId: string): Promise<MemberRole | undefined> {
  const row = await tx
    .selectFrom('members')
    .select('role')
    .where('organization_id', '=', organizationId)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row?.role
}

/** The role of an account in the organization that a project belongs to; undefined when it is no member, or there is no such project. */
export function selectProjectMembership(tx: PlatformDatabase, ref: string, accountId: string) {
  return tx
    .selectFrom('projects')
    .innerJoin('members', 'members.organization_id', 'projects.organization_id')
    .select(['projects.ref', 'projects.organization_id as organizationId', 'members.role'])
    .where('projects.ref', '=', ref)
    .where('members.account_id', '=', accountId)
    .executeTakeFirst()
}

/** Which of the refs are projects of an organization that the account is a member of. */
export async function selectProjectRefsOfAccount(
  tx: PlatformDatabase,
  accountId: string,
  refs: readonly string[],
  organizationId: string | null,
): Promise<string[]> {
  let query = tx
    .selectFrom('projects')
    .innerJoin('members', 'members.organization_id', 'projects.organization_id')
    .select('projects.ref')
    .where('members.account_id', '=', accountId)
    .where('projects.ref', 'in', refs)
  if (organizationId !== null) query = query.where('projects.organization_id', '=', organizationId)
  return (await query.execute()).map((row) => row.ref)
}

/** Every member of an organization, the first to join first. */
export function selectMembers(tx: PlatformDatabase, organizationId: string) {
  return tx
    .selectFrom('members')
    .innerJoin('accounts', 'accounts.id', 'members.account_id')
    .select(COLUMNS)
    .where('organization_id', '=', organizationId)
    .orderBy('members.created_at')
    .orderBy('members.account_id')
    .execute()
}

/** One member of an organization. */
export function selectMember(tx: PlatformDatabase, organizationId: string, accountId: string) {
  return tx
    .selectFrom('members')
    .innerJoin('accounts', 'accounts.id', 'members.account_id')
    .select(COLUMNS)
    .where('organization_id', '=', organizationId)
    .where('members.account_id', '=', accountId)
    .executeTakeFirst()
}

/** Whether the e-mail is that of a member. */
export async function hasMemberWithEmail(tx: PlatformDatabase, organizationId: string, email: string): Promise<boolean> {
  const row = await tx
    .selectFrom('members')
    .innerJoin('accounts', 'accounts.id', 'members.account_id')
    .select('members.account_id')
    .where('organization_id', '=', organizationId)
    .where(sql`lower(accounts.email)`, '=', email.toLowerCase())
    .executeTakeFirst()
  return row !== undefined
}

/** How many owners an organization has. */
export async function countOwners(tx: PlatformDatabase, organizationId: string): Promise<number> {
  const row = await tx
    .selectFrom('members')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('organization_id', '=', organizationId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Adds a member; false when the account is one already. */
export async function insertMember(tx: PlatformDatabase, organizationId: string, accountId: string, role: MemberRole): Promise<boolean> {
  const inserted = await tx
    .insertInto('members')
    .values({ organization_id: organizationId, account_id: accountId, role })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Changes a member's role. */
export async function updateMemberRole(tx: PlatformDatabase, organizationId: string, accountId: string, role: MemberRole): Promise<void> {
  await tx.updateTable('members').set({ role }).where('organization_id', '=', organizationId).where('account_id', '=', accountId).execute()
}

/** Removes a member. */
export async function deleteMember(tx: PlatformDatabase, organizationId: string, accountId: string): Promise<void> {
  await tx.deleteFrom('members').where('organization_id', '=', organizationId).where('account_id', '=', accountId).execute()
}
