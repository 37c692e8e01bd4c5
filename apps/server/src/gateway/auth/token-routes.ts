import type { AuthAdapter } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuthLimits } from './auth-limits.ts'
import { parseBody } from './body.ts'
import { requireCaptcha } from './captcha.ts'
import { getQueryText, toClientFacts } from './request-facts.ts'
import { sendError } from './send-error.ts'
import { toSessionJson } from './wire.ts'

/** The ways to an access token. */
export function tokenRoutes(app: FastifyInstance, auth: AuthAdapter, limits: AuthLimits): void {
  app.post('/token', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const grantType = getQueryText(request, 'grant_type')
    const grant = GRANTS[grantType]
    if (grant === undefined) throw new ServiceError('auth.grant_unsupported', { message: 'unsupported_grant_type' })
    limits.countByAddress('token', request.project, request.ip)
    return grant(request, reply)
  })

  const GRANTS: Record<string, (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>> = {
    __proto__: null as never,
    password: signIn,
    refresh_token: refresh,
    pkce: exchange,
    id_token: async (request, reply) =>
      sendError(request, reply, { status: 400, code: 'provider_disabled', message: 'Provider is not enabled' }),
    web3: async (request, reply) =>
      sendError(request, reply, { status: 422, code: 'web3_provider_disabled', message: 'Web3 provider is disabled' }),
  }

  async function signIn(request: FastifyRequest) {
    const { project } = request
    const body = parseBody(request.body)
    const [email, phone, password] = [body.text('email'), body.text('phone'), body.text('password')]
    await requireCaptcha(auth, request, body)
    if (email !== '' && phone !== '') throw invalid('Only an email address or phone number should be provided on login.')
    if (email === '' && phone === '') throw invalid('missing email or phone')
    const address = email === '' ? { phone } : { email }
    const client = toClientFacts(request)
    const work = () => auth.signIn(project, { ...address, password, client })
    return toSessionJson(await limits.guardAccount('password', project, email || phone, work))
  }

  async function refresh(request: FastifyRequest) {
    const refreshToken = parseBody(request.body).text('refresh_token')
    if (refreshToken === '') throw invalid('refresh_token required')
    return toSessionJson(await auth.refreshSession(request.project, { refreshToken, client: toClientFacts(request) }))
  }

  async function exchange(request: FastifyRequest) {
    const body = parseBody(request.body)
    const [authCode, codeVerifier] = [body.text('auth_code'), body.text('code_verifier')]
    return toSessionJson(await auth.exchangeCode(request.project, { authCode, codeVerifier, client: toClientFacts(request) }))
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
