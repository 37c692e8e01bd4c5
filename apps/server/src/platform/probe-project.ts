import type { AuthAdapter } from '@polder/adapters/auth'
import type { ProjectRef } from '@polder/core'
import type { ProjectRouter } from '@polder/db'

/** What making a project needs of an open one; `router` is one that opens projects which are just starting. */
export function createProjectTrials(router: ProjectRouter, auth: Pick<AuthAdapter, 'createFirstUser'>) {
  const open = async (ref: ProjectRef, apiKey: string) =>
    router.getConnection(await router.validateProjectAccess(ref, { kind: 'app', apiKey, authorization: undefined }))

  return {
    async createFirstUser(ref: ProjectRef, serviceRoleKey: string, user: { email: string; password: string }): Promise<void> {
      await auth.createFirstUser(await open(ref, serviceRoleKey), user)
    },
    /** Goes the way of an app's first request: key, router, pool, role, database. */
    async probe(ref: ProjectRef, anonKey: string): Promise<void> {
      const project = await open(ref, anonKey)
      const { rows } = await project.db.asCaller({
        text: 'select current_user::text',
        values: [],
        isReadOnly: true,
        request: { method: 'GET', path: '/', headers: '{}', cookies: '{}' },
        searchPath: ['public'],
      })
      const role = rows[0]?.[0]?.toString()
      if (role !== 'anon') throw new Error(`the public key opened the project as ${role}`)
    },
  }
}
