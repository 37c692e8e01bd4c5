import { ACCESS_TOKEN_PREFIX, ServiceError } from '@polder/core'
import type { SessionCookie } from './session-cookie.ts'

/** What an access token may reach; never more than its account's own roles. */
export interface TokenScope {
  readonly id: string
  readonly access: 'read' | 'write'
  /** Null: every organization of the account. */
  readonly organizationId: string | null
  /** Null: every project of the organization. */
  readonly projectRefs: readonly string[] | null
}

/** The account behind a request, by its browser session or by an access token. */
export interface SignedIn {
  readonly accountId: string
  readonly email: string
  readonly name: string
  readonly isAdministrator: boolean
  /** The id under which lists show the session; null for an access token. */
  readonly sessionId: string | null
  readonly token: TokenScope | null
}

/** What a request brings to prove who it is. */
export interface Credentials {
  cookie: string | undefined
  authorization: string | undefined
  origin: string | undefined
}

export interface StudioSessionSources {
  cookie: SessionCookie
  findSession(sessionId: string): Promise<SignedIn | null>
  findToken(token: string): Promise<SignedIn | null>
}

/**
 * The account that the credentials prove, or null when there are none or the session has ended.
 * Throws `access.token_invalid` for an access token that is not valid, or that comes from a browser.
 */
export async function findSignedIn(credentials: Credentials, sources: StudioSessionSources): Promise<SignedIn | null> {
  if (credentials.authorization !== undefined) {
    // A page that got hold of a token must not be able to use it from a visitor's browser.
    if (credentials.origin !== undefined) {
      throw new ServiceError('access.token_invalid', { hint: 'Access tokens are for programs; browsers sign in.' })
    }
    const token = /^Bearer +(\S+) *$/i.exec(credentials.authorization)?.[1]
    const account = token?.startsWith(ACCESS_TOKEN_PREFIX) ? await sources.findToken(token) : null
    if (!account) throw new ServiceError('access.token_invalid')
    return account
  }
  const sessionId = sources.cookie.read(credentials.cookie)
  return sessionId === null ? null : sources.findSession(sessionId)
}

/** Whether a project lies within the scope of the access token that the request came with, if any. */
export function isProjectInScope({ token }: SignedIn, project: { ref: string; organizationId: string }): boolean {
  if (token?.organizationId && token.organizationId !== project.organizationId) return false
  return !token?.projectRefs || token.projectRefs.includes(project.ref)
}
