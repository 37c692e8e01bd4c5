import { ServiceError, type ErrorCode } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import { withDatabaseError } from './database-error.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { findTokenState, rotateRefreshToken, type TokenState } from './queries/refresh-tokens.ts'
import { deleteSessions } from './queries/sessions.ts'
import { findUserById } from './queries/users.ts'
import { hashRefreshToken, isRefreshToken, makeRefreshToken, sealSuccessor, unsealSuccessor } from './refresh-token.ts'
import { toUserSession, type ClientFacts, type UserSession } from './user-session.ts'

export interface RefreshInput {
  refreshToken: string
  client: ClientFacts
}

/** Successors of successors that are followed within the reuse interval. */
const LONGEST_CHAIN = 10

/**
 * Spends a refresh token for a new one and a fresh access token. A token that was spent within the reuse interval gets the same
 * successor again, or the one that stands in for it by now; one that was spent earlier ends its session with every token of it.
 * Throws `auth.refresh_token_not_found`, `auth.refresh_token_already_used`, `auth.session_expired`, `auth.refresh_user_banned`.
 */
export async function refreshSession(project: ProjectScope, { refreshToken, client }: RefreshInput): Promise<UserSession> {
  if (!isRefreshToken(refreshToken)) throw new ServiceError('auth.refresh_token_not_found')
  const work = project.db.asOwner(async (tx): Promise<UserSession | ErrorCode> => {
    const successor = makeRefreshToken()
    const rotated = await rotateRefreshToken(tx, {
      tokenHash: hashRefreshToken(refreshToken),
      successorHash: hashRefreshToken(successor),
      sealedSuccessor: sealSuccessor(refreshToken, successor),
      ...client,
    })
    if (rotated) return toUserSession(project, rotated.user, rotated.facts, successor)

    const state = await findTokenState(tx, hashRefreshToken(refreshToken), project.configuration.auth.securityRefreshTokenReuseInterval)
    const refusal = findRefusal(state)
    if (refusal) return refusal
    const spent = state as TokenState
    if (!spent.isFresh) {
      // returned and not thrown: the end of the session must be committed
      await deleteSessions(tx, spent.userId, { only: spent.sessionId })
      await insertAuditEntry(tx, {
        action: 'token_revoked',
        actor: { id: spent.userId, name: '' },
        ip: client.ip,
        traits: { reason: 'reuse' },
      })
      return 'auth.refresh_token_already_used'
    }
    const current = await findCurrentToken(tx, refreshToken, spent)
    const user = current === undefined ? undefined : await findUserById(tx, spent.userId)
    return user && current !== undefined ? toUserSession(project, user, spent, current) : 'auth.refresh_token_already_used'
  })
  const result = await withDatabaseError('Database error refreshing the session', work)
  if (typeof result === 'string') throw new ServiceError(result)
  return result
}

function findRefusal(state: TokenState | undefined): ErrorCode | undefined {
  if (!state) return 'auth.refresh_token_not_found'
  if (state.isOver) return 'auth.session_expired'
  if (state.isBanned) return 'auth.refresh_user_banned'
  // not spent, and yet it could not be: a tenant's trigger keeps it from being
  return state.isSpent ? undefined : 'auth.database_error'
}

/** The token of the session that is not spent yet, found by unsealing one successor after the other. */
async function findCurrentToken(tx: Kysely<ProjectTables>, token: string, spent: TokenState): Promise<string | undefined> {
  let current = token
  let state: TokenState | undefined = spent
  for (let step = 0; step < LONGEST_CHAIN && state?.isSpent; step += 1) {
    const successor: string | undefined = state.sealedSuccessor ? unsealSuccessor(current, state.sealedSuccessor) : undefined
    if (successor === undefined) return undefined
    current = successor
    state = await findTokenState(tx, hashRefreshToken(current), 0)
  }
  return state && !state.isSpent && state.sessionId === spent.sessionId ? current : undefined
}
