import type { AuthAdapter } from '@polder/adapters/auth'
import { isServiceError, ServiceError, type Observe } from '@polder/core'
import { toServiceError, type ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { adminRoutes } from './admin-routes.ts'
import { createAuthLimits, type AuthLimits } from './auth-limits.ts'
import { parseBody } from './body.ts'
import { missingRoutes } from './missing-routes.ts'
import { getQueryText, toClientFacts } from './request-facts.ts'
import { toSettingsJson } from './settings.ts'
import { sendError } from './send-error.ts'
import { toSessionJson, toUserJson, toWireError, type WireError } from './wire.ts'

export interface AuthRoutesOptions {
  auth: AuthAdapter
  limits?: AuthLimits
  observe?: Observe
}

/** For routes that browsers and other servers come to by an address: they have no API key. */
const OPEN = { config: { isOpen: true } }

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

  app.post('/signup', async (request, reply) => {
    const project = request.project
    const body = parseBody(request.body)
    const [email, phone] = [body.text('email'), body.text('phone')]
    await limits.countByIp('signUpByIp', project.ref, request.ip)
    if (email === '' && phone === '') return sendError(request, reply, ANONYMOUS_DISABLED)
    if (email !== '' && phone !== '') throw invalid('Only an email address or phone number should be provided on signup.')
    if (phone !== '')
      return sendError(request, reply, { status: 400, code: 'phone_provider_disabled', message: 'Phone signups are disabled' })
    requireWholeChallenge(body.text('code_challenge_method'), body.text('code_challenge'))
    const data = body.findObject('data')
    const password = body.text('password')
    const { user, session } = await auth.signUp(project, { email, password, ...(data && { data }), client: toClientFacts(request) })
    return reply.header('cache-control', 'no-store').send(session ? toSessionJson(session) : toUserJson(user))
  })

  app.post('/token', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    switch (getQueryText(request, 'grant_type')) {
      case 'password':
        return signIn(request, reply)
      case 'refresh_token':
        return refresh(request)
      case 'pkce':
        return sendError(request, reply, findPkceRefusal(request.body))
      case 'id_token':
        return sendError(request, reply, { status: 400, code: 'provider_disabled', message: 'Provider is not enabled' })
      case 'web3':
        return sendError(request, reply, { status: 422, code: 'web3_provider_disabled', message: 'Web3 provider is disabled' })
    }
    throw new ServiceError('auth.grant_unsupported', { message: 'unsupported_grant_type' })
  })

  async function signIn(request: FastifyRequest, reply: FastifyReply) {
    const project = request.project
    const body = parseBody(request.body)
    const [email, phone, password] = [body.text('email'), body.text('phone'), body.text('password')]
    await limits.countByIp('signInByIp', project.ref, request.ip)
    if (email !== '' && phone !== '') throw invalid('Only an email address or phone number should be provided on login.')
    if (email === '' && phone === '') throw invalid('missing email or phone')
    if (phone !== '') return sendError(request, reply, PHONE_DISABLED)
    const client = toClientFacts(request)
    const session = await limits.guardEmail(project.ref, email, () => auth.signInWithPassword(project, { email, password, client }))
    return toSessionJson(session)
  }

  async function refresh(request: FastifyRequest) {
    const project = request.project
    const refreshToken = parseBody(request.body).text('refresh_token')
    await limits.countByIp('refreshByIp', project.ref, request.ip)
    if (refreshToken === '') throw invalid('refresh_token required')
    return toSessionJson(await auth.refreshSession(project, { refreshToken, client: toClientFacts(request) }))
  }

  app.get('/user', async (request) => toUserJson(await auth.getUser(request.project)))

  app.put('/user', async (request, reply) => {
    const project = request.project
    const body = parseBody(request.body)
    const [email, password, data] = [body.text('email'), body.findText('password'), body.findObject('data')]
    if (body.findObject('app_metadata')) {
      await auth.getUser(project)
      throw new ServiceError('auth.not_admin', { message: 'Updating app_metadata requires admin privileges' })
    }
    if (body.text('phone') !== '') return sendError(request, reply, PHONE_DISABLED)
    const changes = { ...(email !== '' && { email }), ...(password !== undefined && { password }), ...(data && { data }) }
    return toUserJson(await auth.updateUser(project, { ...changes, client: toClientFacts(request) }))
  })

  app.post('/logout', async (request, reply) => {
    const scope = getQueryText(request, 'scope') || 'global'
    if (scope !== 'global' && scope !== 'local' && scope !== 'others') throw invalid(`Unsupported logout scope ${JSON.stringify(scope)}`)
    await auth.signOut(request.project, { scope, client: toClientFacts(request) })
    return reply.code(204).send()
  })

  adminRoutes(app, auth)
  missingRoutes(app, auth)
}

const ANONYMOUS_DISABLED: WireError = { status: 422, code: 'anonymous_provider_disabled', message: 'Anonymous sign-ins are disabled' }
const PHONE_DISABLED: WireError = { status: 422, code: 'phone_provider_disabled', message: 'Phone logins are disabled' }

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}

function requireWholeChallenge(method: string, challenge: string): void {
  if ((method === '') !== (challenge === '')) throw invalid('PKCE flow requires code_challenge_method and code_challenge')
}

function findPkceRefusal(bytes: unknown): WireError {
  const body = parseBody(bytes)
  if (body.text('auth_code') === '' || body.text('code_verifier') === '') {
    throw invalid('invalid request: both auth code and code verifier should be non-empty')
  }
  return { status: 404, code: 'flow_state_not_found', message: 'invalid flow state, no valid flow state found' }
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
