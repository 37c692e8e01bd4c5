import { randomUUID } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import type { Metadata } from './metadata.ts'
import { announceUser, refusedByTrigger, toExpectedUser, toNewUser } from './new-user.ts'
import { toPasswordCost } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { parsePhoneNumber } from './phone-number.ts'
import type { CodeChallenge } from './pkce.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { confirmEmail, confirmPhone } from './queries/user-changes.ts'
import { deleteUnconfirmedUser, findUserByAddress, findUserById, insertUser, type NewUser, type UserAddress } from './queries/users.ts'
import { sendLink } from './send-link.ts'
import { parseChannel, sendCode } from './sms/send-code.ts'
import { issueSession, startSession, type StartedSession } from './start-session.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts, UserSession } from './user-session.ts'

export type SignUpInput = {
  password: string
  /** The user's own metadata. */
  data?: Metadata
  client: ClientFacts
} & (
  | { email: string; challenge?: CodeChallenge | undefined; redirectTo?: string }
  | { phone: string; /** `sms` where it is empty. */ channel?: string }
)

export interface SignUpResult {
  user: AuthUser
  /** None while the address or number waits to be confirmed. */
  session: UserSession | null
}

type Added = { kind: 'added'; user: AuthUser; started: StartedSession | undefined } | { kind: 'taken'; user: AuthUser | undefined }

/**
 * Adds a user who chose a password, and signs them in where the project confirms addresses by itself; otherwise a mail or a message
 * asks them first. What is taken is `auth.email_taken` where nobody is asked; where somebody is, the answer looks like that for
 * a new one, so that nobody learns who is registered.
 */
export async function signUp(parts: AuthParts, project: ProjectScope, input: SignUpInput): Promise<SignUpResult> {
  const settings = project.configuration.auth
  if (settings.disableSignup) throw new ServiceError('auth.signup_disabled')
  if (input.password === '') throw new ServiceError('auth.validation_failed', { message: 'Signup requires a valid password' })
  await requireStrongPassword(parts.leaked, project, input.password)
  const address = parseAddress(project, input)
  const isByEmail = 'email' in address
  const channel = 'phone' in input ? parseChannel(parts, project, input.channel ?? '') : 'sms'
  const isAutoconfirm = isByEmail ? settings.mailerAutoconfirm : settings.smsAutoconfirm
  // before anyone looks whether the address is taken: both take as long
  const passwordHash = await parts.passwords.hash(input.password, toPasswordCost(settings))
  const row = toNewUser({ ...address, passwordHash, ...(input.data && { data: input.data }) })
  await announceNewcomer(parts, project, address, row, input.client)

  const added = await withDatabaseError('Database error saving new user', addUser(project, row, input.client, isAutoconfirm))
  if (added.kind === 'added' && added.started) return { user: added.user, session: await issueSession(parts, project, added.started) }
  if (added.kind === 'taken' && isAutoconfirm) throw new ServiceError('auth.email_taken')
  const waiting =
    added.kind === 'added' || !(isByEmail ? added.user?.emailConfirmedAt : added.user?.phoneConfirmedAt) ? added.user : undefined
  if (waiting && !waiting.deletedAt) {
    if ('email' in input) {
      const { challenge, redirectTo = settings.siteUrl, client } = input
      parts.background.run(project.ref, () => sendLink(parts, project, { user: waiting, type: 'signup', challenge, redirectTo, client }))
    } else {
      const order = { user: waiting, phone: waiting.phone ?? '', kind: 'confirmation' as const, channel, ip: input.client.ip }
      await sendCode(parts, project, order).catch(async (error: unknown) => {
        if (added.kind === 'added') await project.db.asOwner((tx) => deleteUnconfirmedUser(tx, waiting.id))
        throw error
      })
    }
  }
  const user = added.kind === 'added' ? added.user : toApparentUser(row, waiting)
  return { user: { ...user, confirmationSentAt: user.confirmationSentAt ?? new Date() }, session: null }
}

/** Who signs up with an address that is taken is nobody yet. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

function addUser(project: ProjectScope, row: NewUser, client: ClientFacts, isAutoconfirm: boolean): Promise<Added> {
  const provider = row.email === null ? 'phone' : 'email'
  const address = row.email === null ? { phone: row.phone as string } : { email: row.email }
  return project.db.asOwner(async (tx): Promise<Added> => {
    const outcome = await insertUser(tx, row)
    if (outcome === 'taken') {
      const actor = { id: NOBODY, name: Object.values(address)[0]! }
      await insertAuditEntry(tx, { action: 'user_repeated_signup', actor, ip: client.ip, traits: { provider } })
      return { kind: 'taken', user: (await findUserByAddress(tx, address))?.user }
    }
    if (outcome !== 'added') throw refusedByTrigger()
    const action = isAutoconfirm ? 'user_signedup' : 'user_confirmation_requested'
    await insertAuditEntry(tx, { action, actor: toActorOf(row), ip: client.ip, traits: { provider } })
    if (!isAutoconfirm) {
      const user = await findUserById(tx, row.id)
      if (!user) throw refusedByTrigger()
      return { kind: 'added', user, started: undefined }
    }
    await (row.email === null ? confirmPhone : confirmEmail)(tx, row.id)
    const started = await startSession(tx, { userId: row.id, passwordHash: row.passwordHash, method: 'password', client })
    if (!started) throw refusedByTrigger()
    await insertAuditEntry(tx, { action: 'login', actor: toActorOf(row), ip: client.ip, traits: { provider } })
    return { kind: 'added', user: started.user, started }
  })
}

function parseAddress(project: ProjectScope, input: SignUpInput): UserAddress {
  const { externalEmailEnabled, externalPhoneEnabled } = project.configuration.auth
  if ('email' in input) {
    if (!externalEmailEnabled) throw new ServiceError('auth.email_disabled')
    return { email: parseEmailAddress(input.email) }
  }
  if (!externalPhoneEnabled) throw new ServiceError('auth.phone_disabled')
  return { phone: parsePhoneNumber(input.phone) }
}

/** The project's hook hears of newcomers only. */
async function announceNewcomer(
  parts: AuthParts,
  project: ProjectScope,
  address: UserAddress,
  row: NewUser,
  client: ClientFacts,
): Promise<void> {
  if (!parts.hooks.isEnabled(project, 'before_user_created')) return
  const known = await project.db.asOwner((tx) => findUserByAddress(tx, address))
  if (!known) await announceUser(parts, project, row, client.ip)
}

/**
 * What a sign-up answers for an address that is taken. One who is registered and waits for their confirmation is shown with what was
 * just sent, and nothing of what was known; for one who is confirmed it is somebody who does not exist, without identities, as GoTrue has it.
 */
function toApparentUser(row: NewUser, waiting: AuthUser | undefined): AuthUser {
  const shown = toExpectedUser(row)
  if (waiting === undefined) return { ...shown, id: randomUUID(), role: '' }
  const data = row.identities[0]?.data ?? {}
  const identities = waiting.identities.map((identity) => ({ ...identity, data: { ...data, sub: waiting.id } }))
  return { ...shown, id: waiting.id, identities, createdAt: waiting.createdAt, updatedAt: waiting.updatedAt }
}
