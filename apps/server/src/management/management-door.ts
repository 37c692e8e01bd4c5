import { isServiceError, ServiceError, type Permission } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { findSignedIn } from '../access/studio-session.ts'
import { toActor, type Actor } from '../platform/actor.ts'
import type { Services } from '../services.ts'
import { functionManagement } from './function-management.ts'

export interface ManagementOptions {
  services: Services
}

/** Who asks, and the project that they ask for. */
export interface ManagedProject {
  project: ProjectScope
  actor: Actor
}

export type OpenManaged = (request: FastifyRequest, permission: Permission) => Promise<ManagedProject>

/** The form in which Supabase's command line takes access tokens; ours differ by the first letters only. */
const COMMAND_LINE_TOKEN = /^Bearer +sbp_([0-9a-f]{40}) *$/i

/** The part of Supabase's management API that its command line deploys functions by, for members with an access token. */
export async function managementDoor(app: FastifyInstance, { services }: ManagementOptions): Promise<void> {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.setHeader('cache-control', 'no-store')
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    const known = toKnown(error)
    if (known.kind === 'internal') services.observe({ kind: 'error', requestId: request.id, code: known.code, cause: error })
    return reply.code(known.status).send({ message: known.message, code: known.code, request_id: request.id })
  })

  /** Checks the token of the request, and opens the project that its address names. */
  async function open(request: FastifyRequest, permission: Permission): Promise<ManagedProject> {
    const { ref } = request.params as { ref: string }
    const authorization = request.headers.authorization?.replace(COMMAND_LINE_TOKEN, 'Bearer plr_$1')
    // Tokens only: a browser's session must not be usable from a form of another site.
    if (authorization === undefined) throw new ServiceError('access.unauthenticated')
    const account = await findSignedIn({ cookie: undefined, authorization, origin: request.headers.origin }, services.accounts)
    if (account === null) throw new ServiceError('access.unauthenticated')
    const { accountId, token } = account
    const access = await services.router.validateProjectAccess(ref, { kind: 'member', accountId, permission, ...(token ? { token } : {}) })
    const facts = { id: request.id, ip: request.ip, userAgent: request.headers['user-agent'] ?? null, origin: null }
    return { project: await services.router.getConnection(access), actor: toActor(account, facts) }
  }

  await app.register(functionManagement, { functions: services.adapters.functions, open })
}

function toKnown(error: unknown): ServiceError {
  if (isServiceError(error)) return error
  const status = (error as { statusCode?: number }).statusCode ?? 500
  if (status === 413) return new ServiceError('request.too_large', { cause: error })
  return new ServiceError(status >= 400 && status < 500 ? 'request.invalid' : 'system.unexpected', { cause: error })
}
