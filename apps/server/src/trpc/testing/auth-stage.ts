import { createAuthAdapter, type AuthAdapter } from '@polder/adapters/auth'
import type { MemberRole } from '@polder/core'
import type { TestProject } from '@polder/db/testing'
import { createProjectSecrets } from '../../platform/project-secrets.ts'
import { createProjectSettings } from '../../platform/project-settings.ts'
import type { Services } from '../../services.ts'
import { authRouter } from '../routers/auth.ts'
import { createCallerFactory, router } from '../trpc.ts'
import { openTestStage, type TestStage } from './test-stage.ts'

const createCaller = createCallerFactory(router({ auth: authRouter }))

export type AuthCaller = ReturnType<typeof createCaller>['auth']

/** A project, and people who ask for things of its auth service by tRPC. */
export interface AuthStage extends AsyncDisposable {
  stage: TestStage
  project: TestProject
  auth: AuthAdapter
  /** Somebody new; with a role a member of the project's organization. */
  open(name: string, role?: MemberRole): Promise<AuthCaller>
}

export async function openAuthStage(auth = createAuthAdapter()): Promise<AuthStage> {
  const stage = await openTestStage()
  const { platform, box, events, organizationId } = stage.cluster
  const project = await stage.cluster.createProject()
  const services = {
    ...stage.services,
    adapters: { auth },
    projectSettings: createProjectSettings({ platform, events }),
    projectSecrets: createProjectSecrets({ platform, box, events }),
  } as unknown as Services
  return {
    stage,
    project,
    auth,
    async open(name, role) {
      const { account } = await stage.signUp(name)
      const member = { organization_id: organizationId, account_id: account.accountId }
      if (role)
        await platform
          .insertInto('members')
          .values({ ...member, role })
          .execute()
      return createCaller({ ...stage.visit(account).context, services }).auth
    },
    async [Symbol.asyncDispose]() {
      await auth.settle()
      await stage[Symbol.asyncDispose]()
    },
  }
}
