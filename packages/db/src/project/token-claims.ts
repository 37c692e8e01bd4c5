import type { DatabaseRole, ProjectClaims } from '@polder/core'
import { tokenRejected } from './token-rejection.ts'

const SKEW_SECONDS = 5
/** 31 December 9999: a later `exp` is no date. */
export const LATEST_SECONDS = 253_402_300_799
const ISSUER_OF_PROJECT = /\/projects\/([^/]*)\/auth\/v1\/?$/

const ROLES: ReadonlySet<unknown> = new Set<DatabaseRole>(['anon', 'authenticated', 'service_role'])

export interface ClaimsOptions {
  ref: string
  now: number
  /** What a token without a role counts as; without it such a token is refused. */
  anonymousRole?: DatabaseRole | null
}

/** Checks the claims of a token whose signature holds. Throws `access.jwt_invalid` or `access.jwt_expired`. */
export function checkClaims(payload: Record<string, unknown>, project: ClaimsOptions): ProjectClaims {
  const { now } = project
  const exp = requireSeconds(payload, 'exp')
  if (exp === undefined) throw tokenRejected('claim', 'The JWT has no exp claim.', 'exp')
  if (now >= exp + SKEW_SECONDS) throw tokenRejected('expired')
  const nbf = requireSeconds(payload, 'nbf')
  if (nbf !== undefined && nbf > now + SKEW_SECONDS) throw tokenRejected('not_yet_valid')
  const iat = requireSeconds(payload, 'iat')
  if (iat !== undefined && iat > now + SKEW_SECONDS) throw tokenRejected('issued_in_future')
  const role = payload.role ?? project.anonymousRole
  if (!ROLES.has(role)) throw tokenRejected('claim', 'The role claim of the JWT is not one of this project.', 'role')
  requireText(payload, 'sub')
  requireAudience(payload.aud)
  requireText(payload, 'session_id')
  if (payload.ref !== undefined && payload.ref !== project.ref) throw otherProject('ref')
  requireText(payload, 'iss')
  const named = ISSUER_OF_PROJECT.exec((payload.iss as string | undefined) ?? '')
  if (named !== null && named[1] !== project.ref) throw otherProject('iss')
  return payload.role === undefined ? { ...payload, role: role as DatabaseRole } : (payload as ProjectClaims)
}

/** Whether the token is for this audience: one that names none is for everybody. */
export function hasAudience({ aud }: ProjectClaims, audience: string): boolean {
  if (aud === undefined || aud === null) return true
  return Array.isArray(aud) ? aud.length === 0 || aud.includes(audience) : aud === audience
}

/** Whether the time of claims that were checked before is over. */
export function isExpired(claims: ProjectClaims, now: number): boolean {
  return now >= (claims.exp ?? 0) + SKEW_SECONDS
}

function requireSeconds(payload: Record<string, unknown>, claim: string): number | undefined {
  const value = payload[claim]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= 0 && value <= LATEST_SECONDS)) {
    throw tokenRejected('claim', `The JWT ${claim} claim is not a time in seconds.`, claim)
  }
  return value
}

function requireText(payload: Record<string, unknown>, claim: string): void {
  const value = payload[claim]
  if (value !== undefined && typeof value !== 'string') throw tokenRejected('claim', `The JWT ${claim} claim is not text.`, claim)
}

function requireAudience(aud: unknown): void {
  const isList = Array.isArray(aud) && aud.every((one) => typeof one === 'string')
  if (aud !== undefined && aud !== null && typeof aud !== 'string' && !isList)
    throw tokenRejected('claim', 'The JWT aud claim is not text.', 'aud')
}

function otherProject(claim: string) {
  return tokenRejected('claim', 'The JWT is of another project.', claim)
}
