import type { FastifyReply, FastifyRequest } from 'fastify'
import { findSignedIn, type SignedIn } from '../access/studio-session.ts'
import type { Visitor } from '../platform/actor.ts'
import type { Services } from '../services.ts'

/** What every procedure can see of its request. */
export interface Context extends Visitor {
  readonly services: Services
  /** Why nobody is signed in although the request brought credentials; thrown where an account is needed. */
  readonly refusal: unknown
}

export interface ContextOptions {
  req: FastifyRequest
  res: FastifyReply
  services: Services
}

/** Finds out who asks; never refuses by itself, because public procedures answer everybody. */
export async function createContext({ req, res, services }: ContextOptions): Promise<Context> {
  const { accounts } = services
  const credentials = { cookie: req.headers.cookie, authorization: req.headers.authorization, origin: req.headers.origin }
  let account: SignedIn | null = null
  let refusal: unknown = null
  try {
    account = await findSignedIn(credentials, accounts)
  } catch (error) {
    refusal = error
  }
  return {
    services,
    account,
    refusal,
    request: { id: req.id, ip: req.ip, userAgent: req.headers['user-agent'] ?? null, origin: req.headers.origin ?? null },
    setSessionCookie: (sessionId) => void res.header('set-cookie', accounts.cookie.write(sessionId)),
  }
}
