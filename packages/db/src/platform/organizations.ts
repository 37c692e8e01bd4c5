import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** Which organizations of an account to read. */
export interface OrganizationFilter {
  organizationId?: string | null
  /** Only those that one of these projects belongs to. */
  projectRefs?: readonly string[] | null
}

/** Adds an organization without members. */
export function insertOrganization(tx: PlatformDatabase, name: string) {
  return tx.insertInto('organizations').values({ name }).returning(['id', 'name']).executeTakeFirstOrThrow()
}

/** The organizations of an account with its role in each, by name. */
export function selectOrganizations(tx: PlatformDatabase, accountId: string, filter: OrganizationFilter = {}) {
  let query = tx
    .selectFrom('members')
    .innerJoin('organizations', 'organizations.id', 'members.organization_id')
    .select([
      'organizations.id',
      'organizations.name',
      'members.role',
      'organizations.created_at as createdAt',
      sql<number>`(select count(*)::int from projects where projects.organization_id = organizations.id)`.as('projectCount'),
      sql<number>`(select count(*)::int from members as others where others.organization_id = organizations.id)`.as('memberCount'),
    ])
    .where('members.account_id', '=', accountId)
    .orderBy('organizations.name')
    .orderBy('organizations.id')
  if (filter.organizationId) query = query.where('organizations.id', '=', filter.organizationId)
  const refs = filter.projectRefs
  if (refs) {
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom('projects')
          .select('projects.ref')
          .whereRef('projects.organization_id', '=', 'organizations.id')
          .where('projects.ref', 'in', refs),
      ),
    )
  }
  return query.execute()
}

/** Holds an organization's row until the transaction ends, so that its owners are counted by one at a time; false when it is gone. */
export async function lockOrganization(tx: PlatformDatabase, organizationId: string): Promise<boolean> {
  const row = await tx.selectFrom('organizations').select('id').where('id', '=', organizationId).forUpdate().executeTakeFirst()
  return row !== undefined
}

/** Renames an organization. */
export async function updateOrganizationName(tx: PlatformDatabase, organizationId: string, name: string): Promise<void> {
  await tx
    .updateTable('organizations')
    .set({ name, updated_at: sql<Date>`now()` })
    .where('id', '=', organizationId)
    .execute()
}

/** The name of an organization. */
export async function selectOrganizationName(tx: PlatformDatabase, organizationId: string): Promise<string | undefined> {
  return (await tx.selectFrom('organizations').select('name').where('id', '=', organizationId).executeTakeFirst())?.name
}

/** Whether an organization has projects, in whatever status. */
export async function hasProjects(tx: PlatformDatabase, organizationId: string): Promise<boolean> {
  return (
    (await tx.selectFrom('projects').select('ref').where('organization_id', '=', organizationId).limit(1).executeTakeFirst()) !== undefined
  )
}

/** Deletes an organization with its members, invitations and log. */
export async function deleteOrganization(tx: PlatformDatabase, organizationId: string): Promise<void> {
  await tx.deleteFrom('organizations').where('id', '=', organizationId).execute()
}
