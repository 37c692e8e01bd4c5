import { ServiceError, type ProjectRef } from '@polder/core'
import {
  makeClient,
  migrate,
  selectProject,
  selectProjectSecrets,
  toSessionConfig,
  toLoginName,
  updateProjectLedger,
  type PlatformDatabase,
  type SecretBox,
  type ServerAddress,
} from '@polder/db'

export interface MigrateProjectDependencies {
  platform: PlatformDatabase
  box: SecretBox
  ledger: string
  addressOf(clusterId: string): ServerAddress
}

/** Brings a project's database to the newest ledger, as the project's platform login, and writes down that it is there. */
export function createProjectMigration({ platform, box, ledger, addressOf }: MigrateProjectDependencies) {
  return async (ref: ProjectRef): Promise<void> => {
    const [project, secrets] = await Promise.all([selectProject(platform, ref), selectProjectSecrets(platform, box, ref)])
    if (!project || secrets.platform_password === undefined) throw new ServiceError('project.not_found')
    const login = {
      address: addressOf(project.clusterId),
      database: project.databaseName,
      user: toLoginName(ref, 'platform'),
      password: secrets.platform_password,
    }
    const client = makeClient({ ...toSessionConfig(login, 'platform', { statementTimeoutMs: 0 }), connectionTimeoutMillis: 5000 })
    try {
      await client.connect()
      await migrate(client, { ledger: 'project', role: 'platform_internal' })
    } finally {
      await client.end().catch(() => {})
    }
    await updateProjectLedger(platform, ref, ledger)
  }
}
