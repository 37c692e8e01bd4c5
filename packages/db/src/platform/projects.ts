import {
  mayBecome,
  ServiceError,
  projectStatusSchema,
  type MemberRole,
  type Project,
  type ProjectRef,
  type ProjectStatus,
} from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = [
  'projects.ref',
  'projects.name',
  'projects.organization_id as organizationId',
  'projects.plan',
  'projects.status',
  'projects.status_reason as statusReason',
  'projects.retryable',
  'projects.region',
  'projects.cluster_id as clusterId',
  'projects.database_name as databaseName',
  'projects.created_at as createdAt',
  'projects.updated_at as updatedAt',
] as const

export interface NewProject {
  ref: ProjectRef
  organizationId: string
  clusterId: string
  name: string
  region: string
  databaseName: string
  createdBy: string
}

/** Which projects a list shows: those of the account's organizations, narrowed by one organization and by an access token's scope. */
export interface ProjectFilter {
  accountId: string
  organizationId?: string
  tokenOrganizationId?: string | null
  tokenRefs?: readonly string[] | null
}

// The table's `ref` is text; its check constraint is the same rule as the brand's.
const toProject = (row: Omit<Project, 'ref'> & { ref: string }): Project => row as Project

/** Adds a project that is being provisioned. Undefined when its ref or database name was ever used. */
export async function insertProject(tx: PlatformDatabase, project: NewProject): Promise<Project | undefined> {
  // A ref that was given once is never given again, also not after its project is gone.
  const { rows } = await sql<Project>`
    insert into projects (ref, organization_id, cluster_id, name, status, region, database_name, created_by)
    select ${project.ref}, ${project.organizationId}::uuid, ${project.clusterId}::uuid, ${project.name}, 'provisioning',
      ${project.region}, ${project.databaseName}, ${project.createdBy}::uuid
    where not exists (select from retired_refs where ref = ${project.ref})
    on conflict do nothing
    returning ref, name, organization_id as "organizationId", plan, status, status_reason as "statusReason", retryable, region,
      cluster_id as "clusterId", database_name as "databaseName", created_at as "createdAt", updated_at as "updatedAt"
  `.execute(tx)
  return rows[0]
}

/** One project, whatever its status. */
export async function selectProject(tx: PlatformDatabase, ref: string): Promise<Project | undefined> {
  const row = await tx.selectFrom('projects').select(COLUMNS).where('ref', '=', ref).executeTakeFirst()
  return row && toProject(row)
}

/** One project, its row held until the transaction ends. */
export async function selectProjectForUpdate(tx: PlatformDatabase, ref: string): Promise<Project | undefined> {
  const row = await tx.selectFrom('projects').select(COLUMNS).where('ref', '=', ref).forUpdate().executeTakeFirst()
  return row && toProject(row)
}

/** The projects that an account may see, the newest first. */
export async function selectProjectsOfAccount(tx: PlatformDatabase, filter: ProjectFilter): Promise<Project[]> {
  let query = tx
    .selectFrom('projects')
    .innerJoin('members', 'members.organization_id', 'projects.organization_id')
    .select(COLUMNS)
    .where('members.account_id', '=', filter.accountId)
    .orderBy('projects.created_at', 'desc')
    .orderBy('projects.ref')
  if (filter.organizationId !== undefined) query = query.where('projects.organization_id', '=', filter.organizationId)
  if (filter.tokenOrganizationId) query = query.where('projects.organization_id', '=', filter.tokenOrganizationId)
  if (filter.tokenRefs) query = query.where(sql<boolean>`projects.ref = any(${[...filter.tokenRefs]}::text[])`)
  return (await query.execute()).map(toProject)
}

/** One project as an account sees it, with the account's role; undefined when it is not theirs. */
export async function selectProjectOfAccount(
  tx: PlatformDatabase,
  ref: string,
  accountId: string,
): Promise<{ project: Project; role: MemberRole } | undefined> {
  const row = await tx
    .selectFrom('projects')
    .innerJoin('members', 'members.organization_id', 'projects.organization_id')
    .select([...COLUMNS, 'members.role'])
    .where('projects.ref', '=', ref)
    .where('members.account_id', '=', accountId)
    .executeTakeFirst()
  if (!row) return undefined
  const { role, ...project } = row
  return { project: toProject(project), role }
}

/** Renames a project. */
export async function updateProjectName(tx: PlatformDatabase, ref: string, name: string): Promise<Project | undefined> {
  const row = await tx
    .updateTable('projects')
    .set({ name, updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .returning(COLUMNS)
    .executeTakeFirst()
  return row && toProject(row)
}

/** Gives a project to another organization. */
export async function updateProjectOrganization(tx: PlatformDatabase, ref: string, organizationId: string): Promise<Project | undefined> {
  const row = await tx
    .updateTable('projects')
    .set({ organization_id: organizationId, updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .returning(COLUMNS)
    .executeTakeFirst()
  return row && toProject(row)
}

/** The statuses that may become this one, and this one itself: a resumed operation sets it again. */
export function statusesBefore(to: ProjectStatus): ProjectStatus[] {
  return projectStatusSchema.options.filter((from) => from === to || mayBecome(from, to))
}

/**
 * Moves a project to another status, by the ways that PROJECT_TRANSITIONS has and no other.
 * Throws `project.busy` when there is no way from where it is, and `project.not_found`.
 */
export async function updateProjectStatus(
  tx: PlatformDatabase,
  ref: string,
  to: ProjectStatus,
  facts: { reason?: string | null; retryable?: boolean; ledger?: string } = {},
): Promise<void> {
  const changed = await tx
    .updateTable('projects')
    .set({
      status: to,
      status_reason: facts.reason ?? null,
      retryable: facts.retryable ?? false,
      updated_at: sql<Date>`now()`,
      ...(facts.ledger === undefined ? {} : { ledger: facts.ledger }),
    })
    .where('ref', '=', ref)
    .where('status', 'in', statusesBefore(to))
    .returning('ref')
    .executeTakeFirst()
  if (changed) return
  const found = await selectProject(tx, ref)
  throw new ServiceError(found ? 'project.busy' : 'project.not_found', { details: found && { status: found.status } })
}

/** Removes a project's row with its secrets, and retires its ref for ever. Does nothing the second time. */
export async function deleteProject(tx: PlatformDatabase, ref: string): Promise<void> {
  await tx
    .insertInto('retired_refs')
    .values({ ref })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await tx.deleteFrom('projects').where('ref', '=', ref).execute()
}

/** The e-mail of the owner who has been in the organization for longest; undefined when it has none. */
export async function selectOwnerEmail(tx: PlatformDatabase, organizationId: string): Promise<string | undefined> {
  const row = await tx
    .selectFrom('members')
    .innerJoin('accounts', 'accounts.id', 'members.account_id')
    .select('accounts.email')
    .where('members.organization_id', '=', organizationId)
    .where('members.role', '=', 'owner')
    .orderBy('members.created_at')
    .orderBy('members.account_id')
    .limit(1)
    .executeTakeFirst()
  return row?.email
}

/** By service and name; what is not in it has its default. */
export type StoredProjectSettings = Record<string, Record<string, unknown>>

/** What is stored of a project's settings. */
export async function selectProjectSettings(tx: PlatformDatabase, ref: string): Promise<StoredProjectSettings | undefined> {
  const row = await tx.selectFrom('projects').select('settings').where('ref', '=', ref).executeTakeFirst()
  return row && (row.settings as StoredProjectSettings)
}

/** Stores a project's settings. */
export async function updateProjectSettings(tx: PlatformDatabase, ref: string, settings: StoredProjectSettings): Promise<void> {
  await tx
    .updateTable('projects')
    .set({ settings: JSON.stringify(settings), updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .execute()
}

/** Writes down which migrations the project's database has. */
export async function updateProjectLedger(tx: PlatformDatabase, ref: string, ledger: string): Promise<void> {
  await tx.updateTable('projects').set({ ledger }).where('ref', '=', ref).execute()
}
