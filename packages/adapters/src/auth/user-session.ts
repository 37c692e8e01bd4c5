import { isDatabaseRole, type DatabaseRole, type ProjectClaims } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'

/** Where a sign-in came from, as the session and the log remember it. */
export interface ClientFacts {
  ip: string | null
  userAgent: string | null
}

/** What a client holds after signing in. */
export interface UserSession {
  accessToken: string
  refreshToken: string
  /** Seconds. */
  expiresIn: number
  /** Seconds since 1970. */
  expiresAt: number
  user: AuthUser
}

export interface SessionProof {
  sessionId: string
  aal: string
  amr: { method: string; timestamp: number }[]
}

/** Signs an access token for a session, with GoTrue's claims. */
export function toUserSession(project: ProjectScope, user: AuthUser, proof: SessionProof, refreshToken: string): UserSession {
  const { jwtExp } = project.configuration.auth
  const issuedAt = Math.floor(Date.now() / 1000)
  const expiresAt = issuedAt + jwtExp
  const claims: ProjectClaims = {
    iss: project.tokens.issuer,
    sub: user.id,
    aud: user.audience,
    exp: expiresAt,
    iat: issuedAt,
    email: user.email ?? '',
    phone: user.phone ?? '',
    app_metadata: user.appMetadata,
    user_metadata: user.userMetadata,
    role: toTokenRole(user.role),
    aal: proof.aal,
    amr: proof.amr,
    session_id: proof.sessionId,
    is_anonymous: user.isAnonymous,
  }
  return { accessToken: signWithinLimit(project, claims), refreshToken, expiresIn: jwtExp, expiresAt, user }
}

/** No verifier takes a longer token. */
const LONGEST_TOKEN = 8_192

/** Large metadata stays out of the token, or its user could never use it again; `GET /user` still has it. */
function signWithinLimit(project: ProjectScope, claims: ProjectClaims): string {
  for (const candidate of [claims, { ...claims, user_metadata: {} }]) {
    const token = project.tokens.sign(candidate)
    if (token.length <= LONGEST_TOKEN) return token
  }
  return project.tokens.sign({ ...claims, user_metadata: {}, app_metadata: {} })
}

/** A user's role is a text that the project's owner may set to anything; what is no role of the data API gets the weakest. */
function toTokenRole(role: string | null): DatabaseRole {
  if (role === null) return 'authenticated'
  return isDatabaseRole(role) ? role : 'anon'
}
