import { parseCodeChallenge, type AuthAdapter, type CodeChallenge } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuthLimits } from './auth-limits.ts'
import { parseBody, type JsonBody } from './body.ts'
import { requireCaptcha } from './captcha.ts'
import { findRedirect, toClientFacts } from './request-facts.ts'

/** Requests for links and codes. */
export function mailRoutes(app: FastifyInstance, auth: AuthAdapter, limits: AuthLimits): void {
  app.post('/recover', async (request) => {
    limits.countByAddress('recover', request.project, request.ip)
    const body = parseBody(request.body)
    await requireCaptcha(auth, request, body)
    auth.recover(request.project, { email: body.text('email'), ...toOrder(request, body) })
    return {}
  })

  app.post('/resend', async (request) => {
    limits.countByAddress('resend', request.project, request.ip)
    const body = parseBody(request.body)
    await requireCaptcha(auth, request, body)
    const [type, email, phone] = [body.text('type'), body.text('email'), body.text('phone')]
    auth.resend(request.project, { type, email, phone, ...toOrder(request, body) })
    return {}
  })

  app.post('/magiclink', async (request) => {
    limits.countByAddress('otp', request.project, request.ip)
    const body = parseBody(request.body)
    await requireCaptcha(auth, request, body)
    const [email, data] = [body.text('email'), body.findObject('data')]
    if (email === '') throw invalid('Password recovery requires an email')
    await auth.requestEmailOtp(request.project, { email, mayCreate: true, ...(data && { data }), ...toOrder(request, body) })
    return {}
  })

  app.post('/otp', async (request) => {
    limits.countByAddress('otp', request.project, request.ip)
    const body = parseBody(request.body)
    await requireCaptcha(auth, request, body)
    const [email, phone, channel, data] = [body.text('email'), body.text('phone'), body.text('channel'), body.findObject('data')]
    if (email !== '' && phone !== '') throw invalid('Only an email address or phone number should be provided')
    if (email !== '' && channel !== '') throw invalid('Channel should only be specified with Phone OTP')
    const order = { mayCreate: body.findFlag('create_user') ?? true, ...(data && { data }), ...toOrder(request, body) }
    if (email !== '') {
      await auth.requestEmailOtp(request.project, { ...order, email })
      return {}
    }
    if (phone === '') throw invalid('One of email or phone must be set')
    const messageId = await auth.requestPhoneOtp(request.project, { ...order, phone, channel })
    return messageId === '' ? {} : { message_id: messageId }
  })
}

function toOrder(request: FastifyRequest, body: JsonBody) {
  const challenge: CodeChallenge | undefined = parseCodeChallenge(body.text('code_challenge_method'), body.text('code_challenge'))
  return { challenge, redirectTo: findRedirect(request), client: toClientFacts(request) }
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
