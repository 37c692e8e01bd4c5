import { randomUUID } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { sendMail, type Recipient } from './mail/send-mail.ts'
import { hashCode, makeCode, toLinkToken } from './one-time-code.ts'
import type { CodeChallenge } from './pkce.ts'
import { insertFlowState } from './queries/flow-states.ts'
import { storeTokens, withdrawTokens, type TokenToStore } from './queries/one-time-tokens.ts'
import { sentRecently } from './send-link.ts'
import type { ClientFacts } from './user-session.ts'

export interface EmailChangeOrder {
  user: AuthUser
  newEmail: string
  redirectTo: string
  challenge?: CodeChallenge | undefined
  client: ClientFacts
}

/**
 * Asks by mail whether a user's address may become another one: the new address, and where the project wants it the old one too.
 * Throws as `sendLink` does; then nothing waits for an answer.
 */
export async function sendEmailChange(parts: AuthParts, project: ProjectScope, order: EmailChangeOrder): Promise<void> {
  const { mailerOtpLength, mailerSecureEmailChangeEnabled, smtpMaxFrequency } = project.configuration.auth
  const { user, newEmail, redirectTo, challenge, client } = order
  const toRecipient = (to: string): Recipient => {
    const code = makeCode(mailerOtpLength)
    return { to, code, token: toLinkToken(hashCode(to, code), challenge !== undefined) }
  }
  const isDouble = mailerSecureEmailChangeEnabled && user.email !== null
  const recipients: [Recipient, ...Recipient[]] = [toRecipient(newEmail), ...(isDouble ? [toRecipient(user.email as string)] : [])]
  const [first, current] = recipients
  const tokens: [TokenToStore, ...TokenToStore[]] = [
    { kind: 'emailChangeNew', token: first.token, relatesTo: newEmail },
    ...(current === undefined ? [] : [{ kind: 'emailChangeCurrent' as const, token: current.token, relatesTo: current.to }]),
  ]
  const outcome = await project.db.asOwner(async (tx) => {
    const stored = await storeTokens(tx, user.id, tokens, { waitSeconds: smtpMaxFrequency, change: { email: newEmail } })
    if (stored === 'stored' && challenge !== undefined) {
      const state = {
        id: randomUUID(),
        authCode: randomUUID(),
        userId: user.id,
        challenge,
        method: 'email_change',
        provider: 'email_change',
      }
      await insertFlowState(tx, state)
    }
    return stored
  })
  if (outcome === undefined) throw new ServiceError('auth.user_not_found')
  if (outcome !== 'stored') throw sentRecently(outcome.secondsLeft)
  try {
    await sendMail(parts, project, { action: 'email_change', user: { ...user, newEmail }, recipients, redirectTo, ip: client.ip })
  } catch (error) {
    await project.db.asOwner((tx) => withdrawTokens(tx, user.id, tokens))
    throw error
  }
}
