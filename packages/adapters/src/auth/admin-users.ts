import { randomUUID } from 'node:crypto'
import { isDatabaseRole, ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'
import { findViolatedKey, withDatabaseError } from './database-error.ts'
import { parseEmailAddress } from './email-address.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import type { PasswordHasher } from './password.ts'
import { requireStorablePassword, requireStrongPassword } from './password-rules.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions } from './queries/sessions.ts'
import { selectUserPage } from './queries/user-pages.ts'
import {
  confirmUser,
  deleteUser as deleteUserRow,
  findEmailOwner,
  findUserById,
  insertUser,
  softDeleteUser,
  updateUser,
  updateUserEmail,
  type UserChange,
} from './queries/users.ts'
import { isUuid, requireAdmin, toActor } from './require-user.ts'

export interface ListUsersInput {
  /** From 1. */
  page: number
  perPage: number
  search?: string
  isOldestFirst?: boolean
}

/** A page of the project's users, newest first, and how many there are. */
export async function listUsers(project: ProjectScope, input: ListUsersInput): Promise<{ users: AuthUser[]; total: number }> {
  await requireAdmin(project)
  const { page, perPage, search = '', isOldestFirst = false } = input
  // no address and no name has these, and Postgres takes them for no text
  if (search.includes('\0') || !search.isWellFormed()) return { users: [], total: 0 }
  return project.db.asOwner((tx) => selectUserPage(tx, { page, perPage, search, isOldestFirst }))
}

/** One user. Throws `auth.user_not_found`. */
export async function getUserById(project: ProjectScope, userId: string): Promise<AuthUser> {
  await requireAdmin(project)
  const user = isUuid(userId) ? await project.db.asOwner((tx) => findUserById(tx, userId)) : undefined
  if (!user) throw new ServiceError('auth.user_not_found')
  return user
}

export interface CreateUserInput {
  email: string
  /** Without one the user cannot sign in by password. */
  password?: string
  id?: string
  role?: string
  /** Default false, even where sign-ups are confirmed by themselves. */
  isConfirmed?: boolean
  userMetadata?: Metadata
  appMetadata?: Metadata
  banSeconds?: number | null
}

/** Adds a user as an administrator. Throws `auth.email_exists`, `auth.id_taken`, and the errors of what is not valid. */
export async function createUser(passwords: PasswordHasher, project: ProjectScope, input: CreateUserInput): Promise<AuthUser> {
  await requireAdmin(project)
  const email = parseEmailAddress(input.email)
  const id = input.id ?? randomUUID()
  if (!isUuid(id)) throw new ServiceError('auth.validation_failed', { message: 'ID must conform to the uuid v4 format' })
  if (/^[0-]*$/.test(id)) throw new ServiceError('auth.validation_failed', { message: 'ID cannot be a nil uuid' })
  const role = toRole(input.role) ?? 'authenticated'
  const userMetadata = toMetadataJson(input.userMetadata ?? {}, 'user_metadata')
  const appMetadata = toMetadataJson({ provider: 'email', providers: ['email'], ...input.appMetadata }, 'app_metadata')
  if (input.password) requireStorablePassword(input.password)
  const passwordHash = input.password ? await passwords.hash(input.password) : null

  const work = project.db.asOwner(async (tx) => {
    const identityData = JSON.stringify({ sub: id, email, email_verified: false, phone_verified: false })
    const outcome = await insertUser(tx, { id, email, passwordHash, role, appMetadata, userMetadata, identityData })
    if (outcome === 'taken') throw new ServiceError('auth.email_exists')
    if (outcome === 'swallowed') throw new ServiceError('auth.database_error', { message: 'Database error creating new user' })
    if (input.isConfirmed) await confirmUser(tx, id)
    if (input.banSeconds !== undefined) await updateUser(tx, id, { banSeconds: input.banSeconds })
    await insertAuditEntry(tx, {
      action: 'user_signedup',
      actor: toActor(project),
      ip: null,
      traits: { user_id: id, user_email: email, provider: 'email' },
    })
    return findUserById(tx, id)
  })
  const user = await withDatabaseError('Database error creating new user', work.catch(throwTakenId))
  if (!user) throw new ServiceError('auth.database_error', { message: 'Database error creating new user' })
  return user
}

export interface UpdateUserByIdInput {
  email?: string
  password?: string
  role?: string
  /** True confirms the address now; false leaves it as it is. */
  isConfirmed?: boolean
  userMetadata?: Metadata
  appMetadata?: Metadata
  /** Seconds from now; null lifts the ban. */
  banSeconds?: number | null
}

/** Changes a user as an administrator. A new password ends all of the user's sessions. Throws `auth.user_not_found`, `auth.email_exists`. */
export async function updateUserById(
  passwords: PasswordHasher,
  project: ProjectScope,
  userId: string,
  input: UpdateUserByIdInput,
): Promise<AuthUser> {
  await requireAdmin(project)
  if (!isUuid(userId)) throw new ServiceError('auth.user_not_found')
  const email = input.email ? parseEmailAddress(input.email) : undefined
  const change: UserChange = {}
  const role = toRole(input.role)
  if (role !== undefined) change.role = role
  if (input.userMetadata) change.userMetadata = toMetadataJson(input.userMetadata, 'user_metadata')
  if (input.appMetadata) change.appMetadata = toMetadataJson(input.appMetadata, 'app_metadata')
  if (input.banSeconds !== undefined) change.banSeconds = input.banSeconds
  if (input.password) {
    requireStrongPassword(project, input.password)
    change.passwordHash = await passwords.hash(input.password)
  }

  const work = project.db.asOwner(async (tx) => {
    if (!(await updateUser(tx, userId, change))) throw new ServiceError('auth.user_not_found')
    if (email !== undefined) {
      if ((await findEmailOwner(tx, email, userId)) !== undefined) throw new ServiceError('auth.email_exists')
      await updateUserEmail(tx, userId, email, input.isConfirmed === true)
    }
    if (input.isConfirmed) await confirmUser(tx, userId)
    if (change.passwordHash !== undefined) await deleteSessions(tx, userId)
    await insertAuditEntry(tx, { action: 'user_modified', actor: toActor(project), ip: null, traits: { user_id: userId } })
    return findUserById(tx, userId)
  })
  const user = await withDatabaseError('Error updating user', work)
  if (!user) throw new ServiceError('auth.user_not_found')
  return user
}

export interface DeleteUserInput {
  userId: string
  /** Keeps the row, emptied, so that foreign keys to it stay. */
  isSoft?: boolean
}

/** Removes a user. Throws `auth.user_not_found`, and `auth.database_error` when the project's own tables hold on to the row. */
export async function deleteUser(project: ProjectScope, { userId, isSoft = false }: DeleteUserInput): Promise<void> {
  await requireAdmin(project)
  if (!isUuid(userId)) throw new ServiceError('auth.user_not_found')
  const work = project.db.asOwner(async (tx) => {
    const user = await findUserById(tx, userId)
    if (!user) throw new ServiceError('auth.user_not_found')
    await insertAuditEntry(tx, {
      action: 'user_deleted',
      actor: toActor(project),
      ip: null,
      traits: { user_id: userId, user_email: user.email ?? '' },
    })
    if (isSoft) {
      await softDeleteUser(tx, userId)
      await deleteSessions(tx, userId)
    } else if (!(await deleteUserRow(tx, userId))) {
      throw new ServiceError('auth.database_error', { message: 'Database error deleting user' })
    }
  })
  await withDatabaseError('Database error deleting user', work)
}

function throwTakenId(error: unknown): never {
  if (findViolatedKey(error) === 'users_pkey') throw new ServiceError('auth.id_taken')
  throw error
}

function toRole(role: string | undefined): string | undefined {
  if (role === undefined || role === '') return undefined
  if (!isDatabaseRole(role))
    throw new ServiceError('auth.validation_failed', { message: 'role must be anon, authenticated or service_role' })
  return role
}
