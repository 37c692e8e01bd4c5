import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { parseEmailAddress } from './email-address.ts'
import type { CodeChallenge } from './pkce.ts'
import { findUserByAddress } from './queries/users.ts'
import { requireFirstRequest, sendLink } from './send-link.ts'
import type { ClientFacts } from './user-session.ts'

export interface RecoverInput {
  email: string
  challenge?: CodeChallenge | undefined
  redirectTo: string
  client: ClientFacts
}

/**
 * Mails a link to whoever has the address, with which they can choose a new password. Whether anybody has it shows neither in the
 * answer nor in its time: everything that depends on it happens afterwards.
 */
export function recover(parts: AuthParts, project: ProjectScope, input: RecoverInput): void {
  if (!project.configuration.auth.externalEmailEnabled)
    throw new ServiceError('auth.email_disabled', { message: 'Email logins are disabled' })
  if (input.email === '') throw new ServiceError('auth.validation_failed', { message: 'Password recovery requires an email' })
  const email = parseEmailAddress(input.email)
  requireFirstRequest(parts, project, 'recovery', email)
  parts.background.run(project.ref, async () => {
    const found = await project.db.asOwner((tx) => findUserByAddress(tx, { email }))
    if (!found || found.user.deletedAt) return
    await sendLink(parts, project, { ...input, user: found.user, type: 'recovery' })
  })
}
