import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { putInvitedUser } from './invite-user.ts'
import { toActionLink } from './mail/send-mail.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import { announceUser, refusedByTrigger, toNewUser } from './new-user.ts'
import { hashCode, makeCode } from './one-time-code.ts'
import { toPasswordCost } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { storeTokens, type TokenKind } from './queries/one-time-tokens.ts'
import { markInvited, updateUser } from './queries/user-changes.ts'
import { findEmailOwner, findUserByAddress, findUserById, insertUser } from './queries/users.ts'
import { requireAdmin, toActor } from './require-user.ts'
import type { ClientFacts } from './user-session.ts'

const TYPES = ['signup', 'invite', 'magiclink', 'recovery', 'email_change_current', 'email_change_new'] as const

type GenerateLinkType = (typeof TYPES)[number]

export interface GenerateLinkInput {
  type: string
  email: string
  newEmail: string
  password: string
  data?: Metadata
  redirectTo: string
  client: ClientFacts
}

/** A link that would otherwise have been mailed, for an administrator to send by their own means. */
export interface GeneratedLink {
  user: AuthUser
  actionLink: string
  emailOtp: string
  hashedToken: string
  /** What was asked for; a magic link for nobody is a sign-up. */
  verificationType: GenerateLinkType
  redirectTo: string
}

const KINDS: Record<GenerateLinkType, TokenKind> = {
  signup: 'confirmation',
  invite: 'confirmation',
  magiclink: 'recovery',
  recovery: 'recovery',
  email_change_current: 'emailChangeCurrent',
  email_change_new: 'emailChangeNew',
}

/** Makes a link and sends nothing. Throws `auth.user_not_found`, `auth.email_exists` and the errors of what is not valid. */
export async function generateLink(parts: AuthParts, project: ProjectScope, input: GenerateLinkInput): Promise<GeneratedLink> {
  await requireAdmin(project)
  const email = parseEmailAddress(input.email)
  const found = (await project.db.asOwner((tx) => findUserByAddress(tx, { email })))?.user
  const type = requireType(input.type, found)
  const newEmail = type.startsWith('email_change') ? parseEmailAddress(input.newEmail) : undefined
  const { mailerSecureEmailChangeEnabled, mailerOtpLength } = project.configuration.auth
  if (type === 'email_change_current' && !mailerSecureEmailChangeEnabled) {
    throw new ServiceError('auth.validation_failed', { message: 'Enable secure email change to generate link for current email' })
  }
  const user = await putUser(parts, project, type, found, { ...input, email })
  const sentTo = type === 'email_change_new' ? (newEmail as string) : email
  const emailOtp = makeCode(mailerOtpLength)
  const hashedToken = hashCode(sentTo, emailOtp)
  const work = project.db.asOwner(async (tx) => {
    if (newEmail !== undefined && (await findEmailOwner(tx, newEmail, user.id)) !== undefined) throw new ServiceError('auth.email_exists')
    if (found && type === 'signup' && input.data) await updateUser(tx, user.id, { userMetadata: toMetadataJson(input.data, 'data') })
    const change = newEmail === undefined ? {} : { email: newEmail }
    await storeTokens(tx, user.id, [{ kind: KINDS[type], token: hashedToken, relatesTo: sentTo }], { waitSeconds: 0, change })
    if (type === 'invite') await markInvited(tx, user.id)
    if (type === 'magiclink' || type === 'recovery') {
      const traits = { user_id: user.id, user_email: email }
      await insertAuditEntry(tx, { action: 'user_recovery_requested', actor: toActor(project), ip: input.client.ip, traits })
    }
    return findUserById(tx, user.id)
  })
  const current = await withDatabaseError('Database error generating link', work)
  if (!current) throw new ServiceError('auth.user_not_found')
  const linkType = newEmail === undefined ? type : 'email_change'
  const { redirectTo } = input
  const actionLink = toActionLink(project, linkType, hashedToken, redirectTo)
  return { user: current, actionLink, emailOtp, hashedToken, verificationType: type, redirectTo }
}

function requireType(type: string, found: AuthUser | undefined): GenerateLinkType {
  if (!(TYPES as readonly string[]).includes(type)) {
    const message = `Invalid email action link type requested: ${type.slice(0, 50)}`
    throw new ServiceError('auth.validation_failed', { message })
  }
  if (found) return type as GenerateLinkType
  if (type === 'magiclink') return 'signup'
  if (type !== 'signup' && type !== 'invite') throw new ServiceError('auth.user_not_found', { message: 'User with this email not found' })
  return type
}

/** The user whom the link is for, added where a sign-up or an invitation is for somebody new. */
async function putUser(
  parts: AuthParts,
  project: ProjectScope,
  type: GenerateLinkType,
  found: AuthUser | undefined,
  input: GenerateLinkInput,
): Promise<AuthUser> {
  if (type === 'invite') return (await putInvitedUser(parts, project, input)).user
  if (type !== 'signup') return found as AuthUser
  if (found?.emailConfirmedAt) throw new ServiceError('auth.email_exists')
  if (found) return found
  // a magic link for somebody new needs no password
  const hasPassword = input.type === 'signup'
  if (hasPassword && input.password === '')
    throw new ServiceError('auth.validation_failed', { message: 'Signup requires a valid password' })
  if (hasPassword) await requireStrongPassword(parts.leaked, project, input.password)
  const cost = toPasswordCost(project.configuration.auth)
  const passwordHash = hasPassword ? await parts.passwords.hash(input.password, cost) : null
  const row = toNewUser({ email: input.email, passwordHash, ...(input.data && { data: input.data }) })
  await announceUser(parts, project, row, input.client.ip)
  const work = project.db.asOwner(async (tx) => {
    const outcome = await insertUser(tx, row)
    if (outcome === 'taken') throw new ServiceError('auth.email_exists')
    if (outcome !== 'added') throw refusedByTrigger()
    const traits = { user_id: row.id, user_email: input.email, provider: 'email' }
    await insertAuditEntry(tx, { action: 'user_signedup', actor: toActor(project), ip: input.client.ip, traits })
    return findUserById(tx, row.id)
  })
  const user = await withDatabaseError('Database error saving new user', work)
  if (!user) throw refusedByTrigger()
  return user
}
