import type { AuthAdapter } from '@polder/adapters/auth'
import type { FunctionsAdapter } from '@polder/adapters/functions'
import type { RestAdapter } from '@polder/adapters/rest'
import type { StorageAdapter } from '@polder/adapters/storage'
import { isProjectRef, ServiceError, type AccessRequest, type Observe } from '@polder/core'
import type { ProjectRouter, ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { toAccessRequest } from './access-request.ts'
import { authRoutes } from './auth/routes.ts'
import { setCorsHeaders, setPreflightHeaders } from './cors.ts'
import { functionRoutes } from './functions/routes.ts'
import { createRequestGuard } from './request-guard.ts'
import { restRoutes } from './rest/routes.ts'
import { storageRoutes } from './storage/routes.ts'

export interface GatewayOptions {
  router: ProjectRouter
  adapters: { auth: AuthAdapter; functions: FunctionsAdapter; rest: RestAdapter; storage: StorageAdapter }
  version: string
  observe: Observe
  limits: { requestsPerProject: number; requestsTotal: number }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The open project of the request's address, checked for its caller; set by the gateway before any handler of a service. */
    project: ProjectScope
    /** Opens the same project for who the body says that it is from: a form is signed inside. */
    reopen(access: AccessRequest): Promise<void>
  }
}

/** Services of a project that do not answer yet, and methods that nobody has. */
const OTHER_SERVICES = 'This project has no such service.'

/** The projects' own APIs as Supabase's clients know them. The hook opens the project; the routes only see the open scope. */
export async function gateway(app: FastifyInstance, { router, adapters, version, observe, limits }: GatewayOptions): Promise<void> {
  const enter = createRequestGuard(limits, observe)

  // Set by the hook; here so that every request object has the same shape.
  app.decorateRequest('project', null as unknown as ProjectScope)
  app.decorateRequest('reopen', async function reopen(this: FastifyRequest, access: AccessRequest) {
    this.project = await openProject(router, this.project.ref, access)
  })

  app.addHook('onRequest', (request, reply, done) => {
    setCorsHeaders(reply.raw, request.id)
    const { ref } = request.params as { ref?: string }
    if (!isProjectRef(ref)) return done(new ServiceError('project.not_found'))
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      setPreflightHeaders(reply.raw, request.headers['access-control-request-headers'])
      return void reply.code(204).send()
    }
    const refusal = enter(ref, request, reply.raw)
    if (refusal) return done(refusal)
    let access: AccessRequest
    try {
      access = toAccessRequest(request)
    } catch (error) {
      return done(error as Error)
    }
    openProject(router, ref, access).then(
      (project) => {
        request.project = project
        done()
      },
      (error: Error) => done(error),
    )
  })

  // Each service answers errors in its own format, also those of the hook above.
  await app.register(restRoutes, { prefix: '/projects/:ref/rest/v1', rest: adapters.rest, router, observe })
  await app.register(authRoutes, { prefix: '/projects/:ref/auth/v1', auth: adapters.auth, observe })
  await app.register(functionRoutes, { prefix: '/projects/:ref/functions/v1', functions: adapters.functions, observe })
  await app.register(storageRoutes, { prefix: '/projects/:ref/storage/v1', storage: adapters.storage, version, observe })
  const missing = () => {
    throw new ServiceError('request.not_found', { message: OTHER_SERVICES })
  }
  // Only what looks like a service's API: the dashboard has its pages at /projects/:ref too.
  app.all('/projects/:ref/:service/v1', missing)
  app.all('/projects/:ref/:service/v1/*', missing)
}

async function openProject(router: ProjectRouter, ref: string, access: AccessRequest): Promise<ProjectScope> {
  return router.getConnection(await router.validateProjectAccess(ref, access))
}
