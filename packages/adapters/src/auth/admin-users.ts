import { ServiceError } from '@polder/core'
import { isDatabaseRole } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { findViolatedKey, withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import { refusedByTrigger, toNewUser } from './new-user.ts'
import { toPasswordCost } from './password.ts'
import { parsePasswordHash } from './password-hash.ts'
import { requireStorablePassword, requireStrongPassword } from './password-rules.ts'
import { parsePhoneNumber } from './phone-number.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { updateProviders, upsertOwnIdentity } from './queries/identities.ts'
import { deleteSessions } from './queries/sessions.ts'
import { confirmEmail, confirmPhone, setEmail, setPhone, updateUser, type UserChange } from './queries/user-changes.ts'
import { findEmailOwner, findPhoneOwner, findUserById, insertUser } from './queries/users.ts'
import { isUuid, requireAdmin, toActor } from './require-user.ts'

/** What an administrator can say of a user, new or known. */
export interface UserFields {
  email?: string
  phone?: string
  password?: string
  role?: string
  /** True confirms the address now; false leaves it as it is. */
  isConfirmed?: boolean
  isPhoneConfirmed?: boolean
  userMetadata?: Metadata
  appMetadata?: Metadata
  /** Seconds from now; null lifts the ban. */
  banSeconds?: number | null
}

export interface CreateUserInput extends UserFields {
  id?: string
  /** Of Argon2id or bcrypt, instead of a password. */
  passwordHash?: string
}

/** One user. Throws `auth.user_not_found`. */
export async function getUserById(project: ProjectScope, userId: string): Promise<AuthUser> {
  await requireAdmin(project)
  const user = isUuid(userId) ? await project.db.asOwner((tx) => findUserById(tx, userId)) : undefined
  if (!user) throw new ServiceError('auth.user_not_found')
  return user
}

/**
 * Adds a user as an administrator; without a password they cannot sign in by one. Nobody is confirmed unless that is asked for. Throws
 * `auth.email_exists`, `auth.phone_exists`, `auth.id_taken`, and the errors of what is not valid.
 */
export async function createUser(parts: AuthParts, project: ProjectScope, input: CreateUserInput): Promise<AuthUser> {
  await requireAdmin(project)
  if (!input.email && !input.phone) {
    throw new ServiceError('auth.validation_failed', { message: 'Cannot create a user without either an email or phone' })
  }
  const { id } = input
  if (id !== undefined && !isUuid(id)) throw invalid('ID must conform to the uuid v4 format')
  if (id !== undefined && /^[0-]*$/.test(id)) throw invalid('ID cannot be a nil uuid')
  const address = {
    ...(input.email && { email: parseEmailAddress(input.email) }),
    ...(input.phone && { phone: parsePhoneNumber(input.phone) }),
  }
  const fields = toFields(input)
  const row = toNewUser({
    ...address,
    ...(id !== undefined && { id }),
    role: fields.role ?? 'authenticated',
    passwordHash: await toPasswordHash(parts, project, input),
    data: input.userMetadata ?? {},
    appMetadata: input.appMetadata ?? {},
  })
  // what an administrator says of a user is no proof of an address
  for (const identity of row.identities) identity.data = { ...address, sub: row.id, email_verified: false, phone_verified: false }

  const work = project.db.asOwner(async (tx) => {
    const outcome = await insertUser(tx, row)
    if (outcome === 'taken') throw new ServiceError((await isEmailTaken(tx, row.email)) ? 'auth.email_exists' : 'auth.phone_exists')
    if (outcome === 'id_taken') throw new ServiceError('auth.id_taken')
    if (outcome === 'swallowed') throw new ServiceError('auth.database_error', { message: 'Database error creating new user' })
    if (input.isConfirmed && row.email !== null) await confirmEmail(tx, row.id)
    if (input.isPhoneConfirmed && row.phone !== null) await confirmPhone(tx, row.id)
    if (input.banSeconds !== undefined) await updateUser(tx, row.id, { banSeconds: input.banSeconds })
    const provider = row.email === null ? 'phone' : 'email'
    const traits = { user_id: row.id, user_email: row.email ?? '', user_phone: row.phone ?? '', provider }
    await insertAuditEntry(tx, { action: 'user_signedup', actor: toActor(project), ip: null, traits })
    return findUserById(tx, row.id)
  })
  const user = await withDatabaseError('Database error creating new user', work.catch(throwTakenId))
  if (!user) throw refusedByTrigger()
  return user
}

export type UpdateUserByIdInput = UserFields

/** Changes a user as an administrator. A new password ends all of the user's sessions. Throws `auth.user_not_found`, `auth.email_exists` … */
export async function updateUserById(
  parts: AuthParts,
  project: ProjectScope,
  userId: string,
  input: UpdateUserByIdInput,
): Promise<AuthUser> {
  await requireAdmin(project)
  if (!isUuid(userId)) throw new ServiceError('auth.user_not_found')
  const email = input.email ? parseEmailAddress(input.email) : undefined
  const phone = input.phone ? parsePhoneNumber(input.phone) : undefined
  const change = toFields(input)
  if (input.password) {
    await requireStrongPassword(parts.leaked, project, input.password)
    change.passwordHash = await parts.passwords.hash(input.password, toPasswordCost(project.configuration.auth))
  }

  const work = project.db.asOwner(async (tx) => {
    if (!(await updateUser(tx, userId, change))) throw new ServiceError('auth.user_not_found')
    if (email !== undefined) {
      if ((await findEmailOwner(tx, email, userId)) !== undefined) throw new ServiceError('auth.email_exists')
      const isVerified = input.isConfirmed === true
      await upsertOwnIdentity(tx, userId, 'email', JSON.stringify({ sub: userId, email, email_verified: isVerified }))
      await setEmail(tx, userId, email, isVerified)
    }
    if (phone !== undefined) {
      if ((await findPhoneOwner(tx, phone, userId)) !== undefined) throw new ServiceError('auth.phone_exists')
      const isVerified = input.isPhoneConfirmed === true
      await upsertOwnIdentity(tx, userId, 'phone', JSON.stringify({ sub: userId, phone, phone_verified: isVerified }))
      await setPhone(tx, userId, phone, isVerified)
    }
    if (input.isConfirmed) await confirmEmail(tx, userId)
    if (input.isPhoneConfirmed) await confirmPhone(tx, userId)
    if (email !== undefined || phone !== undefined) await updateProviders(tx, userId)
    if (change.passwordHash !== undefined) await deleteSessions(tx, userId)
    await insertAuditEntry(tx, { action: 'user_modified', actor: toActor(project), ip: null, traits: { user_id: userId } })
    return findUserById(tx, userId)
  })
  const user = await withDatabaseError('Error updating user', work)
  if (!user) throw new ServiceError('auth.user_not_found')
  return user
}

async function isEmailTaken(tx: Parameters<typeof findEmailOwner>[0], email: string | null): Promise<boolean> {
  return email !== null && (await findEmailOwner(tx, email)) !== undefined
}

async function toPasswordHash(parts: AuthParts, project: ProjectScope, input: CreateUserInput): Promise<string | null> {
  if (input.password && input.passwordHash) throw invalid('Only a password or a password hash should be provided')
  if (input.passwordHash) return parsePasswordHash(input.passwordHash)
  if (!input.password) return null
  requireStorablePassword(input.password)
  return parts.passwords.hash(input.password, toPasswordCost(project.configuration.auth))
}

function toFields(input: UserFields): UserChange {
  const change: UserChange = {}
  if (input.role) {
    if (!isDatabaseRole(input.role)) throw invalid('role must be anon, authenticated or service_role')
    change.role = input.role
  }
  if (input.userMetadata) change.userMetadata = toMetadataJson(input.userMetadata, 'user_metadata')
  if (input.appMetadata) change.appMetadata = toMetadataJson(input.appMetadata, 'app_metadata')
  if (input.banSeconds !== undefined) change.banSeconds = input.banSeconds
  return change
}

function throwTakenId(error: unknown): never {
  if (findViolatedKey(error) === 'users_pkey') throw new ServiceError('auth.id_taken')
  throw error
}

function invalid(message: string): ServiceError {
  return new ServiceError('auth.validation_failed', { message })
}
