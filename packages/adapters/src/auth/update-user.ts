import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import { changeEmail, changePhone, type Acceptance } from './accept-proof.ts'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { sendEmailChange } from './email-change.ts'
import { notifyUser } from './mail/notify-user.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import { toPasswordCost } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { parsePhoneNumber } from './phone-number.ts'
import type { CodeChallenge } from './pkce.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { updateProviders } from './queries/identities.ts'
import { deleteSessions, findSessionProofs } from './queries/sessions.ts'
import { updateUser } from './queries/user-changes.ts'
import { findEmailOwner, findPasswordHash, findPhoneOwner, findUserById } from './queries/users.ts'
import { requireNonce } from './reauthenticate.ts'
import { requireUser, requireUserClaims } from './require-user.ts'
import { parseChannel, sendCode } from './sms/send-code.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

export interface UpdateUserInput {
  email?: string
  phone?: string
  password?: string
  currentPassword?: string
  /** The code that `reauthenticate` has sent. */
  nonce?: string
  /** Merged into the user's metadata; keys with null are removed. */
  data?: Metadata
  channel?: string
  challenge?: CodeChallenge | undefined
  redirectTo?: string
  client: ClientFacts
}

/** How recent a sign-in must be to change the password without a code, where the project wants one. */
const RECENT_SECONDS = 86_400

/**
 * Changes the caller's own user. Another address or number has to be proven first, by what is sent to it; a new password ends the
 * user's other sessions. Throws `auth.same_password`, `auth.weak_password`, `auth.reauthentication_needed`, `auth.email_exists` …
 */
export async function updateCurrentUser(parts: AuthParts, project: ProjectScope, input: UpdateUserInput): Promise<AuthUser> {
  const { client, data } = input
  const claims = requireUserClaims(project)
  const wanted = {
    email: input.email ? parseEmailAddress(input.email) : undefined,
    phone: input.phone ? parsePhoneNumber(input.phone) : undefined,
    userMetadata: data ? toMetadataJson(data, 'data') : undefined,
  }
  const channel = wanted.phone === undefined ? 'sms' : parseChannel(parts, project, input.channel ?? '')
  if (input.password !== undefined) await requireStrongPassword(parts.leaked, project, input.password)

  const before = await project.db.asOwner((tx) => look(tx, project, claims, input, wanted))
  const passwordHash = input.password === undefined ? undefined : await hashNewPassword(parts, project, input, before)
  const isNewEmail = wanted.email !== undefined && wanted.email !== before.user.email
  const isNewPhone = wanted.phone !== undefined && wanted.phone !== before.user.phone
  const { mailerAutoconfirm, smsAutoconfirm, siteUrl } = project.configuration.auth
  // An anonymous user who names an address signs up with it; anybody else has one that is proven already.
  const isEmailTaken = isNewEmail && before.user.isAnonymous && mailerAutoconfirm
  const tells: Acceptance['tell'][] = []

  const work = project.db.asOwner(async (tx) => {
    const { user, sessionId } = await requireUser(tx, claims)
    if (passwordHash !== undefined && before.needsNonce) await requireNonce(tx, project, user, input.nonce ?? '')
    const { userMetadata } = wanted
    await updateUser(tx, user.id, {
      ...(passwordHash !== undefined && { passwordHash }),
      ...(userMetadata !== undefined && { userMetadata }),
    })
    if (passwordHash !== undefined) {
      await deleteSessions(tx, user.id, sessionId === undefined ? {} : { except: sessionId })
      await insertAuditEntry(tx, { action: 'user_updated_password', actor: toActorOf(user), ip: client.ip })
    }
    if (isEmailTaken) tells.push(await changeEmail(tx, user, wanted.email as string, client))
    if (isNewPhone && smsAutoconfirm) tells.push(await changePhone(tx, user, wanted.phone as string, client))
    if (isEmailTaken || (isNewPhone && smsAutoconfirm)) await updateProviders(tx, user.id)
    await insertAuditEntry(tx, { action: 'user_modified', actor: toActorOf(user), ip: client.ip })
    return findUserById(tx, user.id)
  })
  const user = await withDatabaseError('Error updating user', work)
  if (!user) throw new ServiceError('auth.user_gone')
  if (passwordHash !== undefined) notifyUser(parts, project, 'password_changed_notification', { user, ip: client.ip })
  for (const tell of tells) tell(parts, project)
  if (isNewEmail && !isEmailTaken) {
    const { challenge, redirectTo = siteUrl } = input
    await sendEmailChange(parts, project, { user, newEmail: wanted.email as string, challenge, redirectTo, client })
  }
  if (isNewPhone && !smsAutoconfirm) {
    await sendCode(parts, project, { user, phone: wanted.phone as string, kind: 'phoneChange', channel, ip: client.ip })
  }
  const isWaiting = (isNewEmail && !isEmailTaken) || (isNewPhone && !smsAutoconfirm)
  return isWaiting ? ((await project.db.asOwner((tx) => findUserById(tx, user.id))) ?? user) : user
}

interface Before {
  user: AuthUser
  passwordHash: string | null
  needsNonce: boolean
  needsCurrentPassword: boolean
}

/** What can be refused without changing anything. */
async function look(
  tx: Kysely<ProjectTables>,
  project: ProjectScope,
  claims: ReturnType<typeof requireUserClaims>,
  input: UpdateUserInput,
  wanted: { email: string | undefined; phone: string | undefined },
): Promise<Before> {
  const settings = project.configuration.auth
  const { user, sessionId } = await requireUser(tx, claims)
  const { email, phone } = wanted
  if (user.isAnonymous && input.password && email === undefined && phone === undefined) {
    throw new ServiceError('auth.password_needs_address')
  }
  if (email !== undefined && email !== user.email && (await findEmailOwner(tx, email, user.id)) !== undefined) {
    throw new ServiceError('auth.email_exists')
  }
  if (phone !== undefined && phone !== user.phone && (await findPhoneOwner(tx, phone, user.id)) !== undefined) {
    throw new ServiceError('auth.phone_exists')
  }
  if (input.password === undefined) return { user, passwordHash: null, needsNonce: false, needsCurrentPassword: false }
  const proofs = sessionId === undefined ? undefined : await findSessionProofs(tx, sessionId)
  const isRecent = proofs !== undefined && proofs.ageSeconds <= RECENT_SECONDS
  const needsNonce = settings.securityUpdatePasswordRequireReauthentication && !isRecent
  if (needsNonce && !input.nonce) throw new ServiceError('auth.reauthentication_needed')
  const isRecovering = proofs?.methods.some((method) => method === 'otp' || method === 'magiclink' || method === 'recovery') === true
  const needsCurrentPassword = settings.securityUpdatePasswordRequireCurrentPassword && !isRecovering
  return { user, passwordHash: await findPasswordHash(tx, user.id), needsNonce, needsCurrentPassword }
}

async function hashNewPassword(parts: AuthParts, project: ProjectScope, input: UpdateUserInput, before: Before): Promise<string> {
  const password = input.password as string
  const cost = toPasswordCost(project.configuration.auth)
  const { passwordHash, needsCurrentPassword } = before
  if (passwordHash !== null && needsCurrentPassword) {
    if (!input.currentPassword) throw new ServiceError('auth.current_password_required')
    if (!(await parts.passwords.verify(passwordHash, input.currentPassword, cost))) throw new ServiceError('auth.current_password_wrong')
  }
  if (passwordHash !== null && (await parts.passwords.verify(passwordHash, password, cost))) throw new ServiceError('auth.same_password')
  return parts.passwords.hash(password, cost)
}
