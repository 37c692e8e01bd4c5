import type { AuditActor } from '@polder/db'
import type { SignedIn } from '../access/studio-session.ts'

/** Where a request comes from. */
export interface RequestFacts {
  /** The request id that answers and logs carry. */
  readonly id: string
  readonly ip: string
  readonly userAgent: string | null
  /** The `Origin` header: browsers send it, programs do not. */
  readonly origin: string | null
}

/** Somebody at the door, signed in or not: what signing in needs to know of the request. */
export interface Visitor {
  readonly request: RequestFacts
  readonly account: SignedIn | null
  /** Hands the browser a session, or takes it away. */
  setSessionCookie(sessionId: string | null): void
}

/** The account that does something, and from where: what the audit log keeps of it. */
export interface Actor extends AuditActor {
  readonly accountId: string
  readonly email: string
}

/** The actor of a signed-in request. */
export function toActor(account: Pick<SignedIn, 'accountId' | 'email' | 'token'>, request: RequestFacts): Actor {
  return { accountId: account.accountId, email: account.email, tokenId: account.token?.id ?? null, ip: request.ip, requestId: request.id }
}
