import type { AuthAdapter } from '@polder/adapters/auth'
import type { RestAdapter } from '@polder/adapters/rest'
import type { ProjectRef } from '@polder/core'
import type { ProjectRouter } from '@polder/db'

/** What making a project needs of an open one; `router` is one that opens projects which are just starting. */
export function createProjectTrials(
  router: ProjectRouter,
  { auth, rest }: { auth: Pick<AuthAdapter, 'createFirstUser' | 'hashPassword'>; rest: Pick<RestAdapter, 'listTables'> },
) {
  const open = async (ref: ProjectRef, apiKey: string) =>
    router.getConnection(await router.validateProjectAccess(ref, { kind: 'app', apiKey, authorization: undefined }))

  return {
    hashPassword: (password: string) => auth.hashPassword(password),
    async createFirstUser(
      ref: ProjectRef,
      serviceRoleKey: string,
      user: { email: string; password: string; passwordHash: Promise<string> },
    ): Promise<void> {
      await auth.createFirstUser(await open(ref, serviceRoleKey), user)
    },
    /** Goes the way of an app's first request: key, router, pools, role, the data API's look at the database. */
    async probe(ref: ProjectRef, anonKey: string): Promise<void> {
      const project = await open(ref, anonKey)
      const statement = {
        text: 'select current_user::text',
        values: [],
        isReadOnly: true,
        request: { method: 'GET', path: '/', headers: '{}', cookies: '{}' },
        searchPath: ['public'],
      }
      const [{ rows }] = await Promise.all([project.db.asCaller(statement), rest.listTables(project)])
      const role = rows[0]?.[0]?.toString()
      if (role !== 'anon') throw new Error(`the public key opened the project as ${role}`)
    },
  }
}
