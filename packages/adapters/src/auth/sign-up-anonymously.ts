import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { withDatabaseError } from './database-error.ts'
import type { Metadata } from './metadata.ts'
import { announceUser, refusedByTrigger, toNewUser } from './new-user.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { insertUser } from './queries/users.ts'
import { issueSession, startSession } from './start-session.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

/** Adds a user without address, number and password, who can get them later, and signs them in. */
export async function signUpAnonymously(
  parts: AuthParts,
  project: ProjectScope,
  { data, client }: { data?: Metadata; client: ClientFacts },
): Promise<UserSession> {
  const { disableSignup, externalAnonymousUsersEnabled } = project.configuration.auth
  if (!externalAnonymousUsersEnabled) throw new ServiceError('auth.anonymous_disabled')
  if (disableSignup) throw new ServiceError('auth.signup_disabled')
  const row = toNewUser(data === undefined ? {} : { data })
  await announceUser(parts, project, row, client.ip)
  const work = project.db.asOwner(async (tx) => {
    if ((await insertUser(tx, row)) !== 'added') throw refusedByTrigger()
    await insertAuditEntry(tx, { action: 'user_signedup', actor: toActorOf(row), ip: client.ip, traits: { provider: 'anonymous' } })
    const started = await startSession(tx, { userId: row.id, method: 'anonymous', client })
    if (!started) throw refusedByTrigger()
    return started
  })
  return issueSession(parts, project, await withDatabaseError('Database error creating anonymous user', work))
}
