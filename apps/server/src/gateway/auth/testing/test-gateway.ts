import { createAuthAdapter } from '@polder/adapters/auth'
import type { Observation } from '@polder/core'
import type { ProjectScope } from '@polder/db'
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
}

const NO_LIMIT = { points: 1e9, seconds: 1 }

/** Without limits of its own, unless some are given. */
export async function openTestGateway(limits?: AuthLimits): Promise<TestGateway> {
  const cluster = await openTestCluster()
  const [alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  const errors: Observation[] = []
  const app = Fastify({ routerOptions: { maxParamLength: 1_000 } })
  app.decorateRequest('project', null as unknown as ProjectScope)
  app.addHook('onRequest', async (request) => {
    const { ref } = request.params as { ref: string }
    const access = await cluster.router.validateProjectAccess(ref, toAccessRequest(request))
    request.project = await cluster.router.getConnection(access)
  })
  await app.register(authRoutes, {
    prefix: '/projects/:ref/auth/v1',
    auth: createAuthAdapter(),
    limits: limits ?? createAuthLimits({ signUpByIp: NO_LIMIT, signInByIp: NO_LIMIT, refreshByIp: NO_LIMIT, failureByEmail: NO_LIMIT }),
    observe: (observation) => errors.push(observation),
  })
  return {
    app,
    cluster,
    alpha,
    beta,
    errors,
    async [Symbol.asyncDispose]() {
      await app.close()
      await cluster[Symbol.asyncDispose]()
    },
  }
}
