import { randomUUID } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { sendMail } from './mail/send-mail.ts'
import { hashCode, makeCode, toLinkToken } from './one-time-code.ts'
import type { CodeChallenge } from './pkce.ts'
import { insertAuditEntry, type AuditEntry } from './queries/audit-log.ts'
import { insertFlowState } from './queries/flow-states.ts'
import { storeTokens, withdrawTokens, type TokenToStore } from './queries/one-time-tokens.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

/** A mail with a link that proves its reader's address. */
export type LinkType = 'signup' | 'invite' | 'magiclink' | 'recovery'

export interface LinkOrder {
  user: AuthUser
  type: LinkType
  /** Where it leads in the end, already allowed. */
  redirectTo: string
  /** For a client that will exchange a code; otherwise the link itself brings the session. */
  challenge?: CodeChallenge | undefined
  client: ClientFacts
}

/** How a user will have signed in who follows the link, by GoTrue's name. */
export const LINK_METHODS = { signup: 'email/signup', invite: 'invite', magiclink: 'magiclink', recovery: 'recovery' } as const

const ACTIONS: Record<LinkType, AuditEntry['action']> = {
  signup: 'user_confirmation_requested',
  invite: 'user_invited',
  magiclink: 'user_recovery_requested',
  recovery: 'user_recovery_requested',
}

/**
 * Mails a code and a link, and keeps their hash; an earlier one of the same kind is worth nothing from then on. Throws
 * `auth.mail_sent_recently`, `auth.mail_rate_limited`, `auth.mail_failed` and the errors of hooks; then no hash is kept.
 */
export async function sendLink(parts: AuthParts, project: ProjectScope, order: LinkOrder): Promise<void> {
  const { mailerOtpLength, smtpMaxFrequency } = project.configuration.auth
  const { user, type, challenge, redirectTo, client } = order
  const email = user.email ?? ''
  const code = makeCode(mailerOtpLength)
  const kind = type === 'signup' || type === 'invite' ? 'confirmation' : 'recovery'
  const token: TokenToStore = { kind, token: toLinkToken(hashCode(email, code), challenge !== undefined), relatesTo: email }
  const waitSeconds = type === 'invite' ? 0 : smtpMaxFrequency
  const outcome = await project.db.asOwner(async (tx) => {
    const stored = await storeTokens(tx, user.id, [token], { waitSeconds })
    if (stored !== 'stored') return stored
    if (challenge !== undefined) {
      const provider = type === 'signup' ? 'email' : type
      const state = { id: randomUUID(), authCode: randomUUID(), userId: user.id, challenge, method: LINK_METHODS[type], provider }
      await insertFlowState(tx, state)
    }
    if (type !== 'invite') await insertAuditEntry(tx, { action: ACTIONS[type], actor: toActorOf(user), ip: client.ip })
    return stored
  })
  if (outcome === undefined) throw new ServiceError('auth.user_not_found')
  if (outcome !== 'stored') throw sentRecently(outcome.secondsLeft)
  try {
    const recipients = [{ to: email, code, token: token.token }] as const
    await sendMail(parts, project, { action: type, user, recipients, redirectTo, ip: client.ip })
  } catch (error) {
    await project.db.asOwner((tx) => withdrawTokens(tx, user.id, [token]))
    throw error
  }
}

/** The refusal of who asks for the same mail too soon, in GoTrue's words. */
export function sentRecently(seconds: number): ServiceError {
  return new ServiceError('auth.mail_sent_recently', {
    message: `For security purposes, you can only request this after ${seconds} seconds.`,
    details: { retryAfterSeconds: Math.max(1, seconds) },
  })
}

/**
 * Counts a request for mail to this address, whoever has it: who asks too soon is told so before anybody looks whether there is such
 * a user. Throws `auth.mail_sent_recently`.
 */
export function requireFirstRequest(parts: AuthParts, project: ProjectScope, purpose: string, address: string): void {
  const { smtpMaxFrequency } = project.configuration.auth
  if (smtpMaxFrequency === 0) return
  const secondsLeft = parts.asked.take(`${project.ref} ${purpose} ${address}`, 1, smtpMaxFrequency)
  if (secondsLeft !== undefined) throw sentRecently(secondsLeft)
}
