import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { findUserById } from './queries/users.ts'
import { isUuid, requireAdmin } from './require-user.ts'
import { sendLink } from './send-link.ts'
import type { ClientFacts } from './user-session.ts'

export interface SendUserLinkInput {
  userId: string
  type: 'signup' | 'magiclink' | 'recovery'
  client: ClientFacts
}

/**
 * Mails a user what they could have asked for themselves, as an administrator, who is told what came of it. Throws
 * `auth.user_not_found`, `auth.email_exists` where the address is confirmed already, and what `sendLink` throws.
 */
export async function sendUserLink(parts: AuthParts, project: ProjectScope, { userId, type, client }: SendUserLinkInput): Promise<void> {
  await requireAdmin(project)
  const user = isUuid(userId) ? await project.db.asOwner((tx) => findUserById(tx, userId)) : undefined
  if (!user || user.deletedAt) throw new ServiceError('auth.user_not_found')
  if (user.email === null) throw new ServiceError('auth.validation_failed', { message: 'The user has no e-mail address.' })
  if (type === 'signup' && user.emailConfirmedAt) throw new ServiceError('auth.email_exists', { message: 'The address is confirmed.' })
  await sendLink(parts, project, { user, type, redirectTo: project.configuration.auth.siteUrl, client })
}
