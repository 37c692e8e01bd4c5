import { isDatabaseRole, ServiceError, type DatabaseRole, type ProjectClaims } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { toAccessTokenPayload } from './hooks/hook-payloads.ts'
import type { SessionProof, UserSession } from './user-session.ts'

/** The claims of an access token for a session: GoTrue's. */
export function toClaims(project: ProjectScope, user: AuthUser, proof: SessionProof): ProjectClaims {
  const issuedAt = Math.floor(Date.now() / 1000)
  return {
    iss: project.tokens.issuer,
    sub: user.id,
    aud: user.audience,
    exp: issuedAt + project.configuration.auth.jwtExp,
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
}

/**
 * The claims as the project's hook wants them, where it has one. `method` is GoTrue's name of how the user came to the token.
 * Throws the errors of hooks.
 */
export async function customizeClaims(
  parts: AuthParts,
  project: ProjectScope,
  { user, claims, method, ip }: { user: AuthUser; claims: ProjectClaims; method: string; ip: string | null },
): Promise<ProjectClaims> {
  if (!parts.hooks.isEnabled(project, 'custom_access_token')) return claims
  const answer = await parts.hooks.call(project, 'custom_access_token', toAccessTokenPayload(user.id, claims, method, ip))
  if (!Object.hasOwn(answer, 'claims')) throw new ServiceError('auth.hook_failed', { message: 'output claims field is missing' })
  return requireClaims(answer.claims)
}

const REQUIRED: Record<string, (value: unknown) => boolean> = {
  aud: (value) => typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string')),
  exp: isSeconds,
  iat: isSeconds,
  sub: isText,
  email: isText,
  phone: isText,
  role: isDatabaseRole,
  aal: isText,
  session_id: isText,
  is_anonymous: (value) => typeof value === 'boolean',
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isSeconds(value: unknown): boolean {
  return Number.isSafeInteger(value)
}

/** A token with other claims would be believed by nobody. */
function requireClaims(given: unknown): ProjectClaims {
  const claims = Object(given) as Record<string, unknown>
  const wrong = Object.keys(REQUIRED).filter((name) => !REQUIRED[name]!(claims[name]))
  if (wrong.length === 0 && !Array.isArray(given)) return claims as ProjectClaims
  throw new ServiceError('auth.hook_failed', {
    message: `output claims do not conform to the expected schema: ${wrong.map((name) => `${name} is missing or not valid`).join(', ')}`,
  })
}

/** What the client gets: the claims signed. */
export function toUserSession(project: ProjectScope, user: AuthUser, claims: ProjectClaims, refreshToken: string): UserSession {
  const expiresAt = claims.exp ?? 0
  return {
    accessToken: signWithinLimit(project, claims),
    refreshToken,
    expiresIn: expiresAt - Math.floor(Date.now() / 1000),
    expiresAt,
    user,
  }
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
