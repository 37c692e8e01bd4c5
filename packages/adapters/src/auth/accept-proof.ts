import { ServiceError } from '@polder/core'
import type { ProjectScope, ProjectTables } from '@polder/db'
import type { Kysely } from 'kysely'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { notifyUser } from './mail/notify-user.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { updateProviders, upsertOwnIdentity, verifyEmailIdentities } from './queries/identities.ts'
import { clearTokens } from './queries/one-time-tokens.ts'
import { acceptEmailChange, confirmEmail, confirmPhone, endChange, setEmail, setPhone, updateUser } from './queries/user-changes.ts'
import { findEmailOwner, findPhoneOwner } from './queries/users.ts'
import type { TakenProof } from './take-proof.ts'
import { toActorOf } from './to-actor.ts'
import type { ClientFacts } from './user-session.ts'

/** What came of a proof that was believed. */
export interface Acceptance {
  userId: string
  /** False while the other side of a change of address has to agree too. */
  isComplete: boolean
  /** Tells the user of it, where the project wants that; after the transaction. */
  tell(parts: AuthParts, project: ProjectScope): void
}

type Tx = Kysely<ProjectTables>

/** Uses a proof up, and does what it was for. Throws `auth.email_exists` and `auth.phone_exists` where somebody was faster. */
export async function accept(tx: Tx, project: ProjectScope, proof: TakenProof, client: ClientFacts): Promise<Acceptance> {
  const { kind, user, isByPhone } = proof
  const tell = await (async (): Promise<Acceptance['tell'] | 'half'> => {
    if (kind === 'phoneChange') return acceptPhoneChange(tx, proof, client)
    if (kind === 'emailChangeNew' || kind === 'emailChangeCurrent') return acceptEmail(tx, project, proof, client)
    if (kind === 'recovery') await acceptRecovery(tx, proof, client)
    else if (isByPhone) await acceptPhone(tx, user, client)
    else await acceptSignUp(tx, user, client)
    return () => {}
  })()
  if (tell === 'half') return { userId: user.id, isComplete: false, tell: () => {} }
  await updateProviders(tx, user.id)
  return { userId: user.id, isComplete: true, tell }
}

async function acceptSignUp(tx: Tx, user: AuthUser, { ip }: ClientFacts): Promise<void> {
  await insertAuditEntry(tx, { action: 'user_signedup', actor: toActorOf(user), ip, traits: { provider: 'email' } })
  await confirmEmail(tx, user.id)
  await verifyEmailIdentities(tx, user.id)
}

async function acceptRecovery(tx: Tx, { user, pending }: TakenProof, client: ClientFacts): Promise<void> {
  await clearTokens(tx, user.id, ['recovery'])
  if (user.emailConfirmedAt) return insertAuditEntry(tx, { action: 'login', actor: toActorOf(user), ip: client.ip })
  // Whoever chose the password before had not shown that the address is theirs.
  if (pending.hasPassword) await updateUser(tx, user.id, { passwordHash: null })
  await acceptSignUp(tx, user, client)
}

async function acceptPhone(tx: Tx, user: AuthUser, { ip }: ClientFacts): Promise<void> {
  const action = user.phoneConfirmedAt ? 'login' : 'user_signedup'
  await insertAuditEntry(tx, { action, actor: toActorOf(user), ip, traits: { provider: 'phone' } })
  await confirmPhone(tx, user.id)
  await upsertOwnIdentity(tx, user.id, 'phone', JSON.stringify({ sub: user.id, phone: user.phone, phone_verified: true }))
}

async function acceptEmail(tx: Tx, project: ProjectScope, proof: TakenProof, client: ClientFacts): Promise<Acceptance['tell'] | 'half'> {
  const { mailerAutoconfirm, mailerSecureEmailChangeEnabled } = project.configuration.auth
  const { user, pending, kind } = proof
  const needsBoth = !mailerAutoconfirm && mailerSecureEmailChangeEnabled && user.email !== null
  if (needsBoth && pending.emailChangeStatus === 0) {
    await clearTokens(tx, user.id, [kind])
    await acceptEmailChange(tx, user.id)
    return 'half'
  }
  return changeEmail(tx, user, pending.newEmail ?? '', client)
}

/** Gives the user the address that they have proven, as their own and in their identity. */
export async function changeEmail(tx: Tx, user: AuthUser, email: string, { ip }: ClientFacts): Promise<Acceptance['tell']> {
  if ((await findEmailOwner(tx, email, user.id)) !== undefined) throw new ServiceError('auth.email_exists')
  await insertAuditEntry(tx, { action: 'user_modified', actor: toActorOf(user), ip })
  await upsertOwnIdentity(tx, user.id, 'email', JSON.stringify({ sub: user.id, email, email_verified: true }))
  await setEmail(tx, user.id, email, true)
  await endChange(tx, user.id, 'email')
  await updateUser(tx, user.id, { userMetadata: '{"email_verified": true}' })
  const oldEmail = user.email
  return (parts, project) => {
    if (oldEmail === null || oldEmail === email) return
    notifyUser(parts, project, 'email_changed_notification', { user: { ...user, email }, to: oldEmail, more: { oldEmail }, ip })
  }
}

async function acceptPhoneChange(tx: Tx, { user, pending }: TakenProof, client: ClientFacts): Promise<Acceptance['tell']> {
  return changePhone(tx, user, pending.newPhone ?? '', client)
}

/** The same for a number. */
export async function changePhone(tx: Tx, user: AuthUser, phone: string, { ip }: ClientFacts): Promise<Acceptance['tell']> {
  if ((await findPhoneOwner(tx, phone, user.id)) !== undefined) throw new ServiceError('auth.phone_exists')
  await insertAuditEntry(tx, { action: 'user_modified', actor: toActorOf(user), ip })
  const isNew = await upsertOwnIdentity(tx, user.id, 'phone', JSON.stringify({ sub: user.id, phone, phone_verified: true }))
  await setPhone(tx, user.id, phone, true)
  await endChange(tx, user.id, 'phone')
  const oldPhone = user.phone
  return (parts, project) => {
    const now = { ...user, phone }
    if (oldPhone !== null && oldPhone !== phone)
      notifyUser(parts, project, 'phone_changed_notification', { user: now, more: { oldPhone }, ip })
    if (isNew) notifyUser(parts, project, 'identity_linked_notification', { user: now, more: { provider: 'phone' }, ip })
  }
}
