import { createAuthAdapter, type AuthAdapter } from '@polder/adapters/auth'
import { authSettingsSchema, DEFAULT_AUTH_SETTINGS, type AuthSettings, type Observation } from '@polder/core'
import { toServiceSecrets, type ProjectScope, type ServiceSecretName } from '@polder/db'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { toAccessRequest } from '../../access-request.ts'
import { createAuthLimits, type AuthLimits } from '../auth-limits.ts'
import { authRoutes } from '../routes.ts'

/** The auth routes on real projects, behind a hook that opens projects as the gateway's does. */
export interface TestGateway extends AsyncDisposable {
  app: FastifyInstance
  cluster: TestCluster
  alpha: TestProject
  beta: TestProject
  /** Errors of ours that were reported; a test that expects none looks here. */
  errors: Observation[]
  /** Settings and secrets that all projects have from now on, on top of the defaults. */
  set(settings: Partial<AuthSettings>, secrets?: Partial<Record<ServiceSecretName, string>>): void
}

interface TestGatewayOptions {
  limits?: AuthLimits
  auth?: AuthAdapter
}

const NO_LIMIT = { tries: 1e9, seconds: 1 }

/** Without limits of its own, unless some are given. */
export async function openTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { limits = createAuthLimits({ password: NO_LIMIT, code: NO_LIMIT }), auth = createAuthAdapter() } = options
  const cluster = await openTestCluster()
  const [alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  const errors: Observation[] = []
  let settings: AuthSettings | undefined
  let secrets: Partial<Record<ServiceSecretName, string>> | undefined
  const app = Fastify({ routerOptions: { maxParamLength: 1_000 } })
  app.decorateRequest('project', null as unknown as ProjectScope)
  app.addHook('onRequest', async (request) => {
    const { ref } = request.params as { ref: string }
    const access = await cluster.router.validateProjectAccess(ref, toAccessRequest(request))
    const project = await cluster.router.getConnection(access)
    request.project = {
      ...project,
      configuration: { ...project.configuration, ...(settings && { auth: settings }) },
      ...(secrets && { secrets: toServiceSecrets(secrets) }),
    }
  })
  await app.register(authRoutes, {
    prefix: '/projects/:ref/auth/v1',
    auth,
    limits,
    observe: (observation) => errors.push(observation),
  })
  return {
    app,
    cluster,
    alpha,
    beta,
    errors,
    set(changes, withSecrets) {
      settings = authSettingsSchema.parse({ ...DEFAULT_AUTH_SETTINGS, ...changes })
      secrets = withSecrets
    },
    async [Symbol.asyncDispose]() {
      await app.close()
      await auth.settle()
      await cluster[Symbol.asyncDispose]()
    },
  }
}
