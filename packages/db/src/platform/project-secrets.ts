import { AUTH_SECRET_NAMES, STORAGE_SECRET_NAMES, type AuthSecretName, type StorageSecretName } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'
import type { SecretBox } from './secret-box.ts'

/** Secrets that a service of the project is given by its members. */
export type ServiceSecretName = AuthSecretName | StorageSecretName

/** Every secret that a project can have. */
export const PROJECT_SECRET_NAMES = [
  'jwt_secret',
  'anon_key',
  'service_role_key',
  'publishable_key',
  'secret_key',
  'owner_password',
  'authenticator_password',
  'platform_password',
  'backup_password',
  'first_user',
  ...AUTH_SECRET_NAMES,
  ...STORAGE_SECRET_NAMES,
] as const

export type ProjectSecretName = (typeof PROJECT_SECRET_NAMES)[number]

/** Secrets in clear, by name; a project need not have all of them. */
export type ProjectSecrets = Partial<Record<ProjectSecretName, string>>

/** Seals and stores the given secrets; those of the same name are replaced. */
export async function upsertProjectSecrets(tx: PlatformDatabase, box: SecretBox, ref: string, secrets: ProjectSecrets): Promise<void> {
  const rows = Object.entries(secrets).map(([name, value]) => ({ ref, name, value: box.seal(ref, name, value) }))
  if (rows.length === 0) return
  await tx
    .insertInto('project_secrets')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['ref', 'name']).doUpdateSet((row) => ({ value: row.ref('excluded.value'), updated_at: sql<Date>`now()` })),
    )
    .execute()
}

/** All secrets of a project in clear. Throws `project.secret_unreadable` where one does not open. */
export async function selectProjectSecrets(tx: PlatformDatabase, box: SecretBox, ref: string): Promise<ProjectSecrets> {
  const rows = await tx.selectFrom('project_secrets').select(['name', 'value']).where('ref', '=', ref).execute()
  return Object.fromEntries(rows.map((row) => [row.name, box.open(ref, row.name, row.value)]))
}

/** Deletes one secret; answers whether it was there. */
export async function deleteProjectSecret(tx: PlatformDatabase, ref: string, name: ProjectSecretName): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('project_secrets').where('ref', '=', ref).where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}

/** When each of a project's secrets was given. */
export async function selectProjectSecretTimes(tx: PlatformDatabase, ref: string): Promise<Map<string, Date>> {
  const rows = await tx.selectFrom('project_secrets').select(['name', 'updated_at']).where('ref', '=', ref).execute()
  return new Map(rows.map((row) => [row.name, row.updated_at]))
}
