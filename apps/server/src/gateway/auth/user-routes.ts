import { parseCodeChallenge, type AuthAdapter } from '@polder/adapters/auth'
import { ServiceError } from '@polder/core'
import type { FastifyInstance } from 'fastify'
import type { AuthLimits } from './auth-limits.ts'
import { parseBody } from './body.ts'
import { findRedirect, getQueryText, toClientFacts } from './request-facts.ts'
import { toUserJson } from './wire.ts'

/** What users do with themselves. */
export function userRoutes(app: FastifyInstance, auth: AuthAdapter, limits: AuthLimits): void {
  app.get('/user', async (request) => toUserJson(await auth.getUser(request.project)))

  app.put('/user', async (request) => {
    const { project } = request
    const body = parseBody(request.body)
    const [email, phone, password, data] = [body.text('email'), body.text('phone'), body.findText('password'), body.findObject('data')]
    if (body.findObject('app_metadata')) {
      await auth.getUser(project)
      throw new ServiceError('auth.not_admin', { message: 'Updating app_metadata requires admin privileges' })
    }
    const challenge = parseCodeChallenge(body.text('code_challenge_method'), body.text('code_challenge'))
    const input = {
      ...(email !== '' && { email }),
      ...(phone !== '' && { phone }),
      ...(password !== undefined && { password }),
      ...(data && { data }),
      nonce: body.text('nonce'),
      currentPassword: body.text('current_password'),
      channel: body.text('channel'),
      challenge,
      redirectTo: findRedirect(request),
      client: toClientFacts(request),
    }
    limits.countByAddress('updateUser', project, request.ip)
    return toUserJson(await auth.updateUser(project, input))
  })

  app.get('/reauthenticate', async (request) => {
    const messageId = await auth.reauthenticate(request.project, { client: toClientFacts(request) })
    return messageId === '' ? {} : { message_id: messageId }
  })

  app.post('/logout', async (request, reply) => {
    const scope = getQueryText(request, 'scope') || 'global'
    if (scope !== 'global' && scope !== 'local' && scope !== 'others') {
      throw new ServiceError('auth.validation_failed', { message: `Unsupported logout scope ${JSON.stringify(scope)}` })
    }
    await auth.signOut(request.project, { scope, client: toClientFacts(request) })
    return reply.code(204).send()
  })
}
