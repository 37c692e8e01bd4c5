import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { withDatabaseError } from './database-error.ts'
import { fitsChallenge } from './pkce.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteFlowState, lockFlowState } from './queries/flow-states.ts'
import { findUserById } from './queries/users.ts'
import { isBanned, isUuid } from './require-user.ts'
import { issueSession, startSession } from './start-session.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export interface ExchangeInput {
  authCode: string
  codeVerifier: string
  client: ClientFacts
}

/**
 * Gives the session to the client that began the flow: the one that has the verifier. A code works once. Throws
 * `auth.flow_state_not_found`, `auth.flow_state_expired`, `auth.code_verifier_invalid`.
 */
export async function exchangeCode(parts: AuthParts, project: ProjectScope, input: ExchangeInput): Promise<UserSession> {
  const { authCode, codeVerifier, client } = input
  if (authCode === '' || codeVerifier === '') {
    throw new ServiceError('auth.validation_failed', { message: 'invalid request: both auth code and code verifier should be non-empty' })
  }
  const work = project.db.asOwner(async (tx) => {
    const flow = isUuid(authCode) ? await lockFlowState(tx, authCode) : undefined
    if (!flow || flow.userId === null || flow.challenge === null) throw new ServiceError('auth.flow_state_not_found')
    if (flow.ageSeconds > project.configuration.auth.externalFlowStateExpiryDuration) throw new ServiceError('auth.flow_state_expired')
    if (!fitsChallenge(flow.challenge, codeVerifier)) throw new ServiceError('auth.code_verifier_invalid')
    const user = await findUserById(tx, flow.userId)
    if (!user || user.deletedAt) throw new ServiceError('auth.flow_state_not_found')
    if (isBanned(user)) throw new ServiceError('auth.token_user_banned')
    await deleteFlowState(tx, flow.id)
    const started = await startSession(tx, { userId: user.id, method: flow.method, client })
    if (!started) throw new ServiceError('auth.database_error', { message: 'Database error granting user' })
    const traits = { provider_type: flow.provider }
    await insertAuditEntry(tx, { action: 'login', actor: toActorOf(user), ip: client.ip, traits })
    return { flow, started }
  })
  const { flow, started } = await withDatabaseError('Database error granting user', work)
  const session = await issueSession(parts, project, started)
  return {
    ...session,
    ...(flow.providerToken === null ? {} : { providerToken: flow.providerToken }),
    ...(flow.providerRefreshToken === null ? {} : { providerRefreshToken: flow.providerRefreshToken }),
  }
}
