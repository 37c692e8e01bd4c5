import { parseCodeChallenge, type AuthAdapter } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance } from 'fastify'
import type { AuthLimits } from './auth-limits.ts'
import { parseBody } from './body.ts'
import { requireCaptcha } from './captcha.ts'
import { findRedirect, toClientFacts } from './request-facts.ts'
import { toSessionJson, toUserJson } from './wire.ts'

/** Signing up: by address, by number, or as nobody in particular. */
export function signUpRoutes(app: FastifyInstance, auth: AuthAdapter, limits: AuthLimits): void {
  app.post('/signup', async (request, reply) => {
    const { project } = request
    const body = parseBody(request.body)
    const [email, phone, password] = [body.text('email'), body.text('phone'), body.text('password')]
    const client = toClientFacts(request)
    const data = body.findObject('data')
    await requireCaptcha(auth, request, body)
    reply.header('cache-control', 'no-store')
    if (email === '' && phone === '') {
      if (!project.configuration.auth.externalAnonymousUsersEnabled) throw new ServiceError('auth.anonymous_disabled')
      limits.countByAddress('anonymous', project, request.ip)
      return toSessionJson(await auth.signUpAnonymously(project, { client, ...(data && { data }) }))
    }
    limits.countByAddress('signUp', project, request.ip)
    if (email !== '' && phone !== '') throw invalid('Only an email address or phone number should be provided on signup.')
    const challenge = parseCodeChallenge(body.text('code_challenge_method'), body.text('code_challenge'))
    if (phone !== '' && challenge !== undefined) throw invalid('PKCE not supported for phone signups')
    const address = email === '' ? { phone, channel: body.text('channel') } : { email, challenge, redirectTo: findRedirect(request) }
    const { user, session } = await auth.signUp(project, { ...address, password, client, ...(data && { data }) })
    return session ? toSessionJson(session) : toUserJson(user)
  })
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
