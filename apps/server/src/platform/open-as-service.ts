import { projectRefSchema, ServiceError } from '@polder/core'
import { selectProjectSecrets, type PlatformDatabase, type ProjectRouter, type ProjectScope, type SecretBox } from '@polder/db'

export interface OpenAsServiceDependencies {
  platform: PlatformDatabase
  box: SecretBox
  router: ProjectRouter
}

/** Opens active projects for the platform's own work, by the project's own service key: nothing goes around the check. */
export function createServiceOpener({ platform, box, router }: OpenAsServiceDependencies) {
  return async (ref: string): Promise<ProjectScope> => {
    const { service_role_key: apiKey } = await selectProjectSecrets(platform, box, ref)
    if (apiKey === undefined) throw new ServiceError('project.not_found')
    return router.getConnection(
      await router.validateProjectAccess(projectRefSchema.parse(ref), { kind: 'app', apiKey, authorization: undefined }),
    )
  }
}
