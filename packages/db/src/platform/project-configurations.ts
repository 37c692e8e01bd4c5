import { projectRefSchema, projectSettingsSchema, type MemberRole, type ProjectStatus } from '@polder/core'
import type { ProjectConfiguration } from '../project/project-configuration.ts'
import type { PlatformDatabase } from './platform-database.ts'
import { selectProjectSecrets, type ProjectSecrets } from './project-secrets.ts'
import type { SecretBox } from './secret-box.ts'
import { openSigningKeys, selectSealedSigningKeys, type StoredSigningKey } from './signing-keys.ts'

/** A project's row and secrets, as the router needs them. */
export interface StoredProject {
  configuration: ProjectConfiguration
  clusterId: string
  /** Checksum of the migrations that its database has; null before it has any. */
  ledger: string | null
  secrets: ProjectSecrets
  signingKeys: StoredSigningKey[]
}

/** One project with its settings completed by defaults and its secrets in clear; undefined where there is none. */
export async function findStoredProject(
  db: PlatformDatabase,
  box: SecretBox,
  ref: string,
  urlOf: (ref: string) => string,
): Promise<StoredProject | undefined> {
  const [row, secrets, sealedKeys] = await Promise.all([
    db
      .selectFrom('projects')
      .select(['ref', 'name', 'organization_id', 'cluster_id', 'status', 'database_name', 'ledger', 'settings'])
      .where('ref', '=', ref)
      .executeTakeFirst(),
    selectProjectSecrets(db, box, ref),
    selectSealedSigningKeys(db, ref),
  ])
  if (row === undefined) return undefined
  const settings = projectSettingsSchema.parse(row.settings)
  return {
    configuration: {
      ref: projectRefSchema.parse(row.ref),
      name: row.name,
      organizationId: row.organization_id,
      status: row.status,
      databaseName: row.database_name,
      url: urlOf(row.ref),
      ...settings,
    },
    clusterId: row.cluster_id,
    ledger: row.ledger,
    secrets,
    signingKeys: openSigningKeys(box, ref, sealedKeys, secrets),
  }
}

/** What a check of a member needs: the project's organization and state, and the role in it. */
export interface ProjectMembership {
  organizationId: string
  status: ProjectStatus
  role: MemberRole
}

/** The account's membership of the project's organization; undefined where the project is not there, or not theirs. */
export async function findProjectMembership(db: PlatformDatabase, ref: string, accountId: string): Promise<ProjectMembership | undefined> {
  const row = await db
    .selectFrom('projects')
    .innerJoin('members', 'members.organization_id', 'projects.organization_id')
    .innerJoin('accounts', 'accounts.id', 'members.account_id')
    .select(['projects.organization_id', 'projects.status', 'members.role'])
    .where('projects.ref', '=', ref)
    .where('members.account_id', '=', accountId)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst()
  return row && { organizationId: row.organization_id, status: row.status, role: row.role }
}
