import { ServiceError, type ErrorCode, type ProjectClaims } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import { customizeClaims, toClaims, toUserSession } from './access-token.ts'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { findTokenState, rotateRefreshToken, type SessionLimits, type TokenState } from './queries/refresh-tokens.ts'
import { deleteSessions } from './queries/sessions.ts'
import { findUserById } from './queries/users.ts'
import { hashRefreshToken, isRefreshToken, makeRefreshToken, sealSuccessor, unsealSuccessor } from './refresh-token.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export interface RefreshInput {
  refreshToken: string
  client: ClientFacts
}

/** Successors of successors that are followed within the reuse interval. */
const LONGEST_CHAIN = 10

type Refusal = { code: ErrorCode; message?: string }

/**
 * Spends a refresh token for a new one and a fresh access token. A token that was spent within the reuse interval gets the same
 * successor again, or the one that stands in for it by now; one that was spent earlier ends its session with every token of it.
 * Throws `auth.refresh_token_not_found`, `auth.refresh_token_already_used`, `auth.session_expired`, `auth.refresh_user_banned`.
 */
export async function refreshSession(
  parts: AuthParts,
  project: ProjectScope,
  { refreshToken, client }: RefreshInput,
): Promise<UserSession> {
  if (!isRefreshToken(refreshToken)) throw new ServiceError('auth.refresh_token_not_found')
  const limits = toSessionLimits(project)
  // before the token is spent: a hook that fails must not cost the session
  const prepared = await prepareClaims(parts, project, refreshToken, limits, client)
  const work = project.db.asOwner(async (tx): Promise<UserSession | Refusal> => {
    const successor = makeRefreshToken()
    const rotated = await rotateRefreshToken(tx, limits, {
      tokenHash: hashRefreshToken(refreshToken),
      successorHash: hashRefreshToken(successor),
      sealedSuccessor: sealSuccessor(refreshToken, successor),
      ...client,
    })
    if (rotated) return toUserSession(project, rotated.user, prepared ?? toClaims(project, rotated.user, rotated.facts), successor)

    const state = await findTokenState(tx, hashRefreshToken(refreshToken), limits)
    const refusal = findRefusal(state)
    if (refusal) return refusal
    const spent = state as TokenState
    if (!spent.isFresh) return await endForReuse(tx, project, spent, client)
    const current = await findCurrentToken(tx, refreshToken, spent, limits)
    const user = current === undefined ? undefined : await findUserById(tx, spent.userId)
    if (!user || current === undefined) return { code: 'auth.refresh_token_already_used' }
    return toUserSession(project, user, prepared ?? toClaims(project, user, spent), current)
  })
  const result = await withDatabaseError('Database error refreshing the session', work)
  if ('code' in result) throw new ServiceError(result.code, result.message === undefined ? {} : { message: result.message })
  return result
}

function toSessionLimits({ configuration: { auth } }: ProjectScope): SessionLimits {
  return {
    timebox: auth.sessionsTimebox,
    inactivity: auth.sessionsInactivityTimeout,
    isSingle: auth.sessionsSinglePerUser,
    reuseSeconds: auth.securityRefreshTokenReuseInterval,
  }
}

/** The claims that the project's hook wants, where it has one and the token looks as if it could be spent. */
async function prepareClaims(
  parts: AuthParts,
  project: ProjectScope,
  refreshToken: string,
  limits: SessionLimits,
  client: ClientFacts,
): Promise<ProjectClaims | undefined> {
  if (!parts.hooks.isEnabled(project, 'custom_access_token')) return undefined
  const found = await project.db.asOwner(async (tx): Promise<{ state: TokenState; user: AuthUser } | undefined> => {
    const state = await findTokenState(tx, hashRefreshToken(refreshToken), limits)
    if (!state || state.isOver || state.isBanned || (state.isSpent && !state.isFresh)) return undefined
    const user = await findUserById(tx, state.userId)
    return user && { state, user }
  })
  if (found === undefined) return undefined
  const { state, user } = found
  return customizeClaims(parts, project, { user, claims: toClaims(project, user, state), method: 'token_refresh', ip: client.ip })
}

// returned and not thrown: the end of the session must be committed
async function endForReuse(tx: Kysely<ProjectTables>, project: ProjectScope, spent: TokenState, client: ClientFacts): Promise<Refusal> {
  if (project.configuration.auth.securityRefreshTokenRotationEnabled) {
    await deleteSessions(tx, spent.userId, { only: spent.sessionId })
    await insertAuditEntry(tx, {
      action: 'token_revoked',
      actor: { id: spent.userId, name: '' },
      ip: client.ip,
      traits: { reason: 'reuse' },
    })
  }
  return { code: 'auth.refresh_token_already_used' }
}

function findRefusal(state: TokenState | undefined): Refusal | undefined {
  if (!state) return { code: 'auth.refresh_token_not_found' }
  if (state.isOver) return { code: 'auth.session_expired' }
  if (state.isInactive) return { code: 'auth.session_expired', message: 'Invalid Refresh Token: Session Expired (Inactivity)' }
  if (state.isBanned) return { code: 'auth.refresh_user_banned' }
  if (state.isReplaced) {
    return { code: 'auth.session_expired', message: 'Invalid Refresh Token: Session Expired (Revoked by Newer Login)' }
  }
  // not spent, and yet it could not be: a tenant's trigger keeps it from being
  return state.isSpent ? undefined : { code: 'auth.database_error' }
}

/** The token of the session that is not spent yet, found by unsealing one successor after the other. */
async function findCurrentToken(
  tx: Kysely<ProjectTables>,
  token: string,
  spent: TokenState,
  limits: SessionLimits,
): Promise<string | undefined> {
  let current = token
  let state: TokenState | undefined = spent
  for (let step = 0; step < LONGEST_CHAIN && state?.isSpent; step += 1) {
    const successor: string | undefined = state.sealedSuccessor ? unsealSuccessor(current, state.sealedSuccessor) : undefined
    if (successor === undefined) return undefined
    current = successor
    state = await findTokenState(tx, hashRefreshToken(current), limits)
  }
  return state && !state.isSpent && state.sessionId === spent.sessionId ? current : undefined
}
