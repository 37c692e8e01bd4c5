import type { AuthAdapter } from '@polder/adapters/auth'
import type { FastifyRequest } from 'fastify'
import type { JsonBody } from './body.ts'
import { toClientFacts } from './request-facts.ts'

/** Asks for proof that a person sends this, where the project wants that; of administrators never. */
export async function requireCaptcha(auth: AuthAdapter, request: FastifyRequest, body: JsonBody): Promise<void> {
  const { caller, configuration } = request.project
  if (!configuration.auth.securityCaptchaEnabled || (caller.kind === 'app' && caller.role === 'service_role')) return
  const token = body.findObject('gotrue_meta_security')?.captcha_token
  await auth.requireCaptcha(request.project, typeof token === 'string' ? token.trim() : '', toClientFacts(request).ip)
}
