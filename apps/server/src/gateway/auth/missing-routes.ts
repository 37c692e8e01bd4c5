import type { AuthAdapter } from '@polder/adapters/auth'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { sendError } from './send-error.ts'
import type { WireError } from './wire.ts'

const NO_OAUTH_SERVER = refusal(404, 'feature_disabled', 'OAuth server is disabled')
const NO_SAML = refusal(404, 'saml_provider_disabled', 'SAML 2.0 is disabled')
const NO_PASSKEYS = refusal(404, 'passkey_disabled', 'Passkeys are disabled')
const NO_LINKING = refusal(404, 'manual_linking_disabled', 'Manual linking is disabled')
const NO_FACTOR = refusal(404, 'mfa_factor_not_found', 'Factor not found')
const NO_TOTP = refusal(422, 'mfa_totp_enroll_not_enabled', 'MFA enroll is disabled for TOTP')
const NO_PROVIDER = refusal(400, 'validation_failed', 'Unsupported provider: provider is not enabled')
const NO_STATE = refusal(400, 'bad_oauth_state', 'OAuth state parameter missing')
const NO_CUSTOM_PROVIDERS = refusal(404, 'feature_disabled', 'Custom OAuth providers are disabled')
const NO_SCIM = refusal(404, 'feature_disabled', 'SCIM server is disabled')
const NOTHING_HERE = refusal(404, 'not_found', '404 page not found')

type Who = 'anyone' | 'user' | 'admin'

/** What GoTrue has and this service has not: each answers as GoTrue does where the feature is switched off. */
const MISSING: readonly (readonly [HTTPMethods | 'ANY', string, Who, WireError])[] = [
  ['GET', '/authorize', 'anyone', NO_PROVIDER],
  ['ANY', '/callback', 'anyone', NO_STATE],
  ['ANY', '/user/identities/*', 'user', NO_LINKING],
  ['ANY', '/user/oauth/*', 'user', NO_OAUTH_SERVER],
  ['POST', '/factors', 'user', NO_TOTP],
  ['ANY', '/factors/*', 'user', NO_FACTOR],
  ['ANY', '/passkeys', 'anyone', NO_PASSKEYS],
  ['ANY', '/passkeys/*', 'anyone', NO_PASSKEYS],
  ['ANY', '/sso', 'anyone', NO_SAML],
  ['ANY', '/sso/*', 'anyone', NO_SAML],
  ['ANY', '/oauth/*', 'anyone', NO_OAUTH_SERVER],
  ['ANY', '/scim/*', 'anyone', NO_SCIM],
  ['GET', '/.well-known/openid-configuration', 'anyone', NO_OAUTH_SERVER],
  ['GET', '/.well-known/oauth-authorization-server', 'anyone', NO_OAUTH_SERVER],
  ['ANY', '/admin/sso/*', 'admin', NO_SAML],
  ['ANY', '/admin/oauth/*', 'admin', NO_OAUTH_SERVER],
  ['ANY', '/admin/custom-providers', 'admin', NO_CUSTOM_PROVIDERS],
  ['ANY', '/admin/custom-providers/*', 'admin', NO_CUSTOM_PROVIDERS],
  ['ANY', '/admin/users/:userId/factors/*', 'admin', NO_FACTOR],
  ['ANY', '/admin/users/:userId/passkeys', 'admin', NO_PASSKEYS],
  ['ANY', '/admin/users/:userId/passkeys/*', 'admin', NO_PASSKEYS],
]

/** Answers for everything that is not there; who may not use it is told so first. */
export function missingRoutes(app: FastifyInstance, auth: AuthAdapter): void {
  for (const [method, url, who, error] of MISSING) {
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      await requireCaller(auth, request, who)
      return sendError(request, reply, error)
    }
    if (method === 'ANY') app.all(url, handler)
    else app.route({ method, url, handler })
  }
  app.get('/admin/users/:userId/factors', async (request) => {
    const { userId } = request.params as { userId: string }
    await auth.getUserById(request.project, userId)
    return []
  })
  app.all('/*', (request, reply) => sendError(request, reply, NOTHING_HERE))
}

async function requireCaller(auth: AuthAdapter, request: FastifyRequest, who: Who): Promise<void> {
  if (who === 'user') await auth.getUser(request.project)
  if (who === 'admin') await auth.requireAdmin(request.project)
}

function refusal(status: number, code: string, message: string): WireError {
  return { status, code, message }
}
