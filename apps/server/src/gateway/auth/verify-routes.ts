import { withFragment, withQuery, type AuthAdapter, type Followed } from '@polder/adapters/auth'
import { isServiceError, type ServiceError } from '@polder/core'
import { toServiceError } from '@polder/db'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AuthLimits } from './auth-limits.ts'
import { parseBody } from './body.ts'
import { sendLinkPage } from './link-page.ts'
import { OPEN } from './open-route.ts'
import { findRedirect, getQueryText, isPrefetch, toClientFacts } from './request-facts.ts'
import { ACCEPTED, toRedirectError, toSessionJson, toWireError } from './wire.ts'

/** What is done with codes and links: by an app that has the code, or by the browser that a link was opened in. */
export function verifyRoutes(app: FastifyInstance, auth: AuthAdapter, limits: AuthLimits): void {
  // What looks at a link must not use it up: it shows a page, whose button sends the same address by POST.
  app.get('/verify', OPEN, async (request, reply) => {
    const isLink = getQueryText(request, 'token') !== '' && getQueryText(request, 'type') !== ''
    const isLook = request.method === 'HEAD' || isPrefetch(request)
    if (isLink && (isLook || request.project.configuration.auth.mailerLinkPageEnabled)) return sendLinkPage(request, reply)
    return follow(request, reply)
  })

  app.post('/verify', OPEN, async (request, reply) => {
    if (getQueryText(request, 'token') !== '') return follow(request, reply)
    const { project } = request
    limits.countByAddress('verify', project, request.ip)
    const body = parseBody(request.body)
    const [type, token, tokenHash] = [body.text('type'), body.text('token'), body.text('token_hash')]
    const [email, phone, redirectTo] = [body.text('email'), body.text('phone'), body.text('redirect_to')]
    const work = () => auth.verify(project, { type, token, tokenHash, email, phone, redirectTo, client: toClientFacts(request) })
    const verified = await limits.guardAccount('code', project, email || phone || tokenHash, work)
    reply.header('cache-control', 'no-store')
    return verified.kind === 'session' ? toSessionJson(verified.session) : { msg: ACCEPTED, code: '200' }
  })

  async function follow(request: FastifyRequest, reply: FastifyReply) {
    const [type, token] = [getQueryText(request, 'type'), getQueryText(request, 'token')]
    const redirectTo = findRedirect(request)
    const isPkce = token.startsWith('pkce_')
    limits.countByAddress('verify', request.project, request.ip)
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
    return reply.redirect(await toTarget().catch(toErrorTarget), 303)

    async function toTarget(): Promise<string> {
      return toLocation(redirectTo, await auth.followLink(request.project, { type, token, client: toClientFacts(request) }), type, isPkce)
    }

    function toErrorTarget(error: unknown): string {
      const known = toServiceError(error)
      // what is no link at all is told to whoever made it
      if (isServiceError(known, 'auth.validation_failed')) throw known
      return toErrorLocation(redirectTo, known, isPkce)
    }
  }
}

function toLocation(redirectTo: string, outcome: Followed, type: string, isPkce: boolean): string {
  if (outcome.kind === 'code') return withQuery(redirectTo, { code: outcome.code })
  if (outcome.kind === 'accepted')
    return withFragment(isPkce ? withQuery(redirectTo, { message: ACCEPTED }) : redirectTo, { message: ACCEPTED })
  const { accessToken, refreshToken, expiresIn, expiresAt } = outcome.session
  return withFragment(redirectTo, {
    access_token: accessToken,
    expires_at: String(expiresAt),
    expires_in: String(expiresIn),
    refresh_token: refreshToken,
    token_type: 'bearer',
    type,
  })
}

function toErrorLocation(redirectTo: string, error: ServiceError, isPkce: boolean): string {
  const values = toRedirectError(toWireError(error))
  return withFragment(isPkce ? withQuery(redirectTo, values) : redirectTo, values)
}
