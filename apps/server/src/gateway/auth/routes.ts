import type { AuthAdapter } from '@polder/adapters/auth'
import { isServiceError, ServiceError, type Observe } from '@polder/core'
import { toServiceError, type ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { adminRoutes } from './admin-routes.ts'
import { createAuthLimits, type AuthLimits } from './auth-limits.ts'
import { mailRoutes } from './mail-routes.ts'
import { missingRoutes } from './missing-routes.ts'
import { OPEN } from './open-route.ts'
import { toSettingsJson } from './settings.ts'
import { sendError } from './send-error.ts'
import { signUpRoutes } from './sign-up-routes.ts'
import { tokenRoutes } from './token-routes.ts'
import { userRoutes } from './user-routes.ts'
import { verifyRoutes } from './verify-routes.ts'
import { toWireError } from './wire.ts'

export interface AuthRoutesOptions {
  auth: AuthAdapter
  limits?: AuthLimits
  observe?: Observe
}

/** The largest body that GoTrue takes. */
const BODY_LIMIT = 1 << 20

/** A project's auth service as GoTrue answers it, under `/projects/:ref/auth/v1`. Needs `request.project`. */
export async function authRoutes(app: FastifyInstance, options: AuthRoutesOptions): Promise<void> {
  const { auth, limits = createAuthLimits(), observe = () => {} } = options
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) => done(null, body))
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromFastifyError(thrown)
    if (error.kind === 'internal') {
      // the project is missing where the hook that opens it failed
      const ref = (request.project as ProjectScope | null)?.ref
      observe({ kind: 'error', requestId: request.id, code: error.code, cause: error.cause ?? error, ...(ref && { ref }) })
    }
    return sendError(request, reply, toWireError(nameMissingToken(error, request)))
  })

  app.get('/health', () => ({ version: 'polder', name: 'Polder auth', description: 'The users of one project; answers as GoTrue does' }))
  app.get('/settings', (request) => toSettingsJson(request.project.configuration.auth))
  app.get('/.well-known/jwks.json', OPEN, async (request, reply) => {
    await reply.header('cache-control', 'public, max-age=600').send({ keys: request.project.tokens.publicJwks })
  })

  signUpRoutes(app, auth, limits)
  mailRoutes(app, auth, limits)
  tokenRoutes(app, auth, limits)
  verifyRoutes(app, auth, limits)
  userRoutes(app, auth, limits)
  await app.register(async (scope) => adminRoutes(scope, auth))
  missingRoutes(app, auth)
}

/** GoTrue asks for a token before it asks whose it is. */
function nameMissingToken(error: ServiceError, request: FastifyRequest): ServiceError {
  const isMissing = isServiceError(error, 'auth.not_admin') && request.headers.authorization === undefined
  return isMissing ? new ServiceError('auth.no_authorization') : error
}

/** Fastify refuses some requests itself, before any handler sees them. */
function fromFastifyError(error: unknown): ServiceError {
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new ServiceError('request.too_large', { message: `Request body too large (max ${BODY_LIMIT} bytes)` })
  }
  const isRefusal = code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500
  return isRefusal ? new ServiceError('request.invalid', { message: (error as Error).message, cause: error }) : toServiceError(error)
}
