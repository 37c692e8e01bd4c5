import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import type { Metadata } from './metadata.ts'
import { announceUser, refusedByTrigger, toNewUser } from './new-user.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { markInvited } from './queries/user-changes.ts'
import { deleteUnconfirmedUser, findUserByAddress, findUserById, insertUser } from './queries/users.ts'
import { requireAdmin, toActor } from './require-user.ts'
import { sendLink } from './send-link.ts'
import type { ClientFacts } from './user-session.ts'

export interface InviteUserInput {
  email: string
  data?: Metadata
  redirectTo: string
  client: ClientFacts
}

/** Adds a user as an administrator and mails them a link to come in by; one who has not come in yet is invited anew. Throws `auth.email_exists`. */
export async function inviteUser(parts: AuthParts, project: ProjectScope, input: InviteUserInput): Promise<AuthUser> {
  await requireAdmin(project)
  const { client, redirectTo } = input
  const { user, isNew } = await putInvitedUser(parts, project, input)
  try {
    await sendLink(parts, project, { user, type: 'invite', redirectTo, client })
  } catch (error) {
    if (isNew) await project.db.asOwner((tx) => deleteUnconfirmedUser(tx, user.id))
    throw error
  }
  const invited = await project.db.asOwner(async (tx) => {
    await markInvited(tx, user.id)
    return findUserById(tx, user.id)
  })
  return invited ?? user
}

/** The user who is to be invited, added where there is none. Throws `auth.email_exists` for one who came in already. */
export async function putInvitedUser(
  parts: AuthParts,
  project: ProjectScope,
  input: { email: string; data?: Metadata; client: ClientFacts },
): Promise<{ user: AuthUser; isNew: boolean }> {
  const email = parseEmailAddress(input.email)
  const found = await project.db.asOwner((tx) => findUserByAddress(tx, { email }))
  if (found?.user.emailConfirmedAt) throw new ServiceError('auth.email_exists')
  const row = toNewUser({ email, ...(input.data && { data: input.data }) })
  if (!found) await announceUser(parts, project, row, input.client.ip)
  const work = project.db.asOwner(async (tx) => {
    if (!found) {
      const outcome = await insertUser(tx, row)
      if (outcome === 'taken') throw new ServiceError('auth.email_exists')
      if (outcome !== 'added') throw refusedByTrigger()
    }
    const user = found?.user ?? (await findUserById(tx, row.id))
    if (!user) throw refusedByTrigger()
    const traits = { user_id: user.id, user_email: email }
    await insertAuditEntry(tx, { action: 'user_invited', actor: toActor(project), ip: input.client.ip, traits })
    return { user, isNew: !found }
  })
  return withDatabaseError('Database error inviting user', work)
}
