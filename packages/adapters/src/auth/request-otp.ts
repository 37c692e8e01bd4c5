import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import type { Metadata } from './metadata.ts'
import { announceUser, refusedByTrigger, toNewUser } from './new-user.ts'
import { parsePhoneNumber } from './phone-number.ts'
import type { CodeChallenge } from './pkce.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { confirmEmail, confirmPhone } from './queries/user-changes.ts'
import { deleteUnconfirmedUser, findUserByAddress, findUserById, insertUser, type UserAddress } from './queries/users.ts'
import { requireFirstRequest, sendLink } from './send-link.ts'
import { parseChannel, sendCode } from './sms/send-code.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

interface OtpInput {
  /** Whether somebody who is not there yet is added. */
  mayCreate: boolean
  data?: Metadata
  client: ClientFacts
}

export interface EmailOtpInput extends OtpInput {
  email: string
  challenge?: CodeChallenge | undefined
  redirectTo: string
}

/**
 * Mails a link and a code to sign in with. Who is there and confirmed gets the link for that; anybody else is added first, where
 * sign-ups are open. Throws `auth.otp_disabled` for an unknown address with which nobody is to be added.
 */
export async function requestEmailOtp(parts: AuthParts, project: ProjectScope, input: EmailOtpInput): Promise<void> {
  const { externalEmailEnabled, externalEmailMagicLinkEnabled, mailerAutoconfirm } = project.configuration.auth
  if (!externalEmailEnabled) throw new ServiceError('auth.email_logins_disabled')
  if (!externalEmailMagicLinkEnabled) throw new ServiceError('auth.email_logins_disabled', { message: 'Login with magic link is disabled' })
  const email = parseEmailAddress(input.email)
  requireFirstRequest(parts, project, 'magiclink', email)
  const found = await project.db.asOwner((tx) => findUserByAddress(tx, { email }))
  if (found) {
    // One who is there and not confirmed proves by this link that the address is theirs; a password that somebody set before goes.
    if (!found.user.deletedAt)
      parts.background.run(project.ref, () => sendLink(parts, project, { ...input, user: found.user, type: 'magiclink' }))
    return
  }
  if (!input.mayCreate) throw new ServiceError('auth.otp_disabled')
  const user = await addUser(parts, project, { email }, input, mailerAutoconfirm)
  const type = mailerAutoconfirm ? 'magiclink' : 'signup'
  parts.background.run(project.ref, () => sendLink(parts, project, { ...input, user, type }))
}

export interface PhoneOtpInput extends OtpInput {
  phone: string
  channel: string
}

/** Sends a code to sign in with to a number; answers the provider's id of the message. Throws as `requestEmailOtp` and `sendCode` do. */
export async function requestPhoneOtp(parts: AuthParts, project: ProjectScope, input: PhoneOtpInput): Promise<string> {
  const { externalPhoneEnabled, smsAutoconfirm } = project.configuration.auth
  if (!externalPhoneEnabled) throw new ServiceError('auth.phone_disabled', { message: 'Unsupported phone provider' })
  const phone = parsePhoneNumber(input.phone)
  const channel = parseChannel(parts, project, input.channel)
  const found = await project.db.asOwner((tx) => findUserByAddress(tx, { phone }))
  if (!found && !input.mayCreate) throw new ServiceError('auth.otp_disabled')
  if (found?.user.deletedAt) return ''
  const user = found?.user ?? (await addUser(parts, project, { phone }, input, smsAutoconfirm))
  try {
    return await sendCode(parts, project, { user, phone, kind: 'confirmation', channel, ip: input.client.ip })
  } catch (error) {
    if (!found && !smsAutoconfirm) await project.db.asOwner((tx) => deleteUnconfirmedUser(tx, user.id))
    throw error
  }
}

/** Adds somebody without a password. Of two requests at once one adds, and both go on with that user. */
async function addUser(
  parts: AuthParts,
  project: ProjectScope,
  address: UserAddress,
  { data, client }: OtpInput,
  isConfirmed: boolean,
): Promise<AuthUser> {
  if (project.configuration.auth.disableSignup) throw new ServiceError('auth.signup_disabled')
  const isByEmail = 'email' in address
  const row = toNewUser({ ...address, ...(data && { data }) })
  await announceUser(parts, project, row, client.ip)
  const work = project.db.asOwner(async (tx) => {
    const outcome = await insertUser(tx, row)
    if (outcome === 'taken') return (await findUserByAddress(tx, address))?.user
    if (outcome !== 'added') throw refusedByTrigger()
    const action = isConfirmed ? 'user_signedup' : 'user_confirmation_requested'
    const traits = { provider: isByEmail ? 'email' : 'phone' }
    await insertAuditEntry(tx, { action, actor: toActorOf(row), ip: client.ip, traits })
    if (isConfirmed) await (isByEmail ? confirmEmail : confirmPhone)(tx, row.id)
    return findUserById(tx, row.id)
  })
  const user = await withDatabaseError('Database error saving new user', work)
  if (!user) throw refusedByTrigger()
  return user
}
