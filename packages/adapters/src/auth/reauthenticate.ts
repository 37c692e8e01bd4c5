import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { sendMail } from './mail/send-mail.ts'
import { hashCode, isCodeOf, makeCode } from './one-time-code.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { clearTokens, lockPendingTokens, storeTokens, withdrawTokens, type TokenToStore } from './queries/one-time-tokens.ts'
import { requireUser, requireUserClaims } from './require-user.ts'
import { sentRecently } from './send-link.ts'
import { sendCode } from './sms/send-code.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

/**
 * Sends the caller's user a code with which they can change their password: to their address, or to their number where they have
 * no address. Answers the provider's id of a message; empty for a mail. Throws as `sendLink` and `sendCode` do.
 */
export async function reauthenticate(parts: AuthParts, project: ProjectScope, { client }: { client: ClientFacts }): Promise<string> {
  const claims = requireUserClaims(project)
  const { user } = await project.db.asOwner((tx) => requireUser(tx, claims))
  const { email, phone } = user
  if (email === null && phone === null) {
    throw new ServiceError('auth.validation_failed', {
      message: 'Reauthentication requires the user to have an email or a phone number',
    })
  }
  if (email !== null && !user.emailConfirmedAt) throw new ServiceError('auth.verify_email_first')
  if (email === null && !user.phoneConfirmedAt) throw new ServiceError('auth.verify_phone_first')
  await project.db.asOwner((tx) => insertAuditEntry(tx, { action: 'user_reauthenticate_requested', actor: toActorOf(user), ip: client.ip }))
  if (email !== null) return await sendNonce(parts, project, user, email, client)
  return await sendCode(parts, project, { user, phone: phone as string, kind: 'reauthentication', channel: 'sms', ip: client.ip })
}

async function sendNonce(parts: AuthParts, project: ProjectScope, user: AuthUser, email: string, client: ClientFacts): Promise<''> {
  const { mailerOtpLength, smtpMaxFrequency } = project.configuration.auth
  const code = makeCode(mailerOtpLength)
  const token: TokenToStore = { kind: 'reauthentication', token: hashCode(email, code), relatesTo: email }
  const outcome = await project.db.asOwner((tx) => storeTokens(tx, user.id, [token], { waitSeconds: smtpMaxFrequency }))
  if (outcome === undefined) throw new ServiceError('auth.user_gone')
  if (outcome !== 'stored') throw sentRecently(outcome.secondsLeft)
  try {
    const recipients = [{ to: email, code, token: '' }] as const
    await sendMail(parts, project, { action: 'reauthentication', user, recipients, redirectTo: '', ip: client.ip })
  } catch (error) {
    await project.db.asOwner((tx) => withdrawTokens(tx, user.id, [token]))
    throw error
  }
  return ''
}

/** Uses up the code that `reauthenticate` has sent. Throws `auth.reauthentication_invalid` for any other. */
export async function requireNonce(tx: Kysely<ProjectTables>, project: ProjectScope, user: AuthUser, nonce: string): Promise<void> {
  const { mailerOtpExp, smsOtpExp } = project.configuration.auth
  const pending = await lockPendingTokens(tx, user.id)
  const { token = null, ageSeconds = null } = pending?.reauthentication ?? {}
  const lifetime = user.email === null ? smsOtpExp : mailerOtpExp
  const isRight = ageSeconds !== null && ageSeconds <= lifetime && isCodeOf(token, user.email ?? user.phone ?? '', nonce)
  if (!isRight) throw new ServiceError('auth.reauthentication_invalid')
  await clearTokens(tx, user.id, ['reauthentication'])
}
