import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import { parseEmailAddress } from './email-address.ts'
import { sendEmailChange } from './email-change.ts'
import { parsePhoneNumber } from './phone-number.ts'
import type { CodeChallenge } from './pkce.ts'
import { findUserByAddress } from './queries/users.ts'
import { requireFirstRequest, sendLink } from './send-link.ts'
import { sendCode } from './sms/send-code.ts'
import type { ClientFacts } from './user-session.ts'

export interface ResendInput {
  type: string
  email: string
  phone: string
  challenge?: CodeChallenge | undefined
  redirectTo: string
  client: ClientFacts
}

/**
 * Sends again what somebody waits for: the confirmation of a sign-up or of a change. As with `recover`, nothing tells whether there
 * is such a user, and whether they wait for anything.
 */
export function resend(parts: AuthParts, project: ProjectScope, input: ResendInput): void {
  const { externalEmailEnabled, externalPhoneEnabled } = project.configuration.auth
  const { type } = input
  if (type !== 'signup' && type !== 'email_change' && type !== 'sms' && type !== 'phone_change') {
    throw invalid('Missing one of these types: signup, email_change, sms, phone_change')
  }
  if (type === 'signup' && input.email === '') throw invalid('Type provided requires an email address')
  if (type === 'sms' && input.phone === '') throw invalid('Type provided requires a phone number')
  if (input.email !== '' && input.phone !== '') throw invalid('Only an email address or phone number should be provided.')
  if (input.email === '' && input.phone === '') throw invalid('Missing email address or phone number')
  if (input.email !== '' && !externalEmailEnabled) throw new ServiceError('auth.email_disabled', { message: 'Email logins are disabled' })
  if (input.phone !== '' && !externalPhoneEnabled) throw new ServiceError('auth.phone_disabled', { message: 'Phone logins are disabled' })
  const address = input.email !== '' ? { email: parseEmailAddress(input.email) } : { phone: parsePhoneNumber(input.phone) }
  requireFirstRequest(parts, project, type, Object.values(address)[0]!)
  parts.background.run(project.ref, async () => {
    const user = (await project.db.asOwner((tx) => findUserByAddress(tx, address)))?.user
    if (!user || user.deletedAt) return
    const { ip } = input.client
    if (type === 'signup' && !user.emailConfirmedAt) await sendLink(parts, project, { ...input, user, type })
    if (type === 'email_change' && user.newEmail) await sendEmailChange(parts, project, { ...input, user, newEmail: user.newEmail })
    if (type === 'sms' && user.phone && !user.phoneConfirmedAt) {
      await sendCode(parts, project, { user, phone: user.phone, kind: 'confirmation', channel: 'sms', ip })
    }
    if (type === 'phone_change' && user.newPhone) {
      await sendCode(parts, project, { user, phone: user.newPhone, kind: 'phoneChange', channel: 'sms', ip })
    }
  })
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
