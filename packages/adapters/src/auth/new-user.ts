import { randomUUID } from 'node:crypto'
import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import type { AuthParts } from './auth-parts.ts'
import type { AuthUser } from './auth-user.ts'
import { toBeforeUserCreatedPayload } from './hooks/hook-payloads.ts'
import { toMetadataJson, type Metadata } from './metadata.ts'
import type { NewUser } from './queries/users.ts'

export interface NewUserInput {
  email?: string
  phone?: string
  passwordHash?: string | null
  data?: Metadata
  appMetadata?: Metadata
  id?: string
  role?: string
}

/** The row of somebody who is not confirmed yet; without address and number an anonymous user's. */
export function toNewUser(input: NewUserInput): NewUser {
  const { email = null, phone = null, data = {}, id = randomUUID() } = input
  const providers = [...(email === null ? [] : (['email'] as const)), ...(phone === null ? [] : (['phone'] as const))]
  const known = providers.length === 0 ? {} : { provider: providers[0], providers }
  const proven = { sub: id, email_verified: false, phone_verified: false }
  return {
    id,
    email,
    phone,
    passwordHash: input.passwordHash ?? null,
    role: input.role ?? 'authenticated',
    isAnonymous: providers.length === 0,
    appMetadata: toMetadataJson({ ...known, ...input.appMetadata }, 'app_metadata'),
    userMetadata: toMetadataJson(data, 'data'),
    identities: providers.map((provider) => ({
      provider,
      data: { ...data, ...proven, ...(provider === 'email' ? { email } : { phone }) },
    })),
  }
}

/** Lets the project's hook refuse a user who is about to be added. Throws the errors of hooks. */
export async function announceUser(parts: AuthParts, project: ProjectScope, user: NewUser, ip: string | null): Promise<void> {
  if (!parts.hooks.isEnabled(project, 'before_user_created')) return
  await parts.hooks.call(project, 'before_user_created', toBeforeUserCreatedPayload(toExpectedUser(user), ip))
}

/** The user as the row will make them, but for what triggers change. */
export function toExpectedUser(user: NewUser): AuthUser {
  const now = new Date()
  return {
    id: user.id,
    audience: 'authenticated',
    role: user.role,
    email: user.email,
    phone: user.phone,
    emailConfirmedAt: null,
    phoneConfirmedAt: null,
    confirmedAt: null,
    lastSignInAt: null,
    bannedUntil: null,
    invitedAt: null,
    confirmationSentAt: null,
    recoverySentAt: null,
    newEmail: null,
    emailChangeSentAt: null,
    newPhone: null,
    phoneChangeSentAt: null,
    reauthenticationSentAt: null,
    deletedAt: null,
    isAnonymous: user.isAnonymous,
    appMetadata: JSON.parse(user.appMetadata) as Metadata,
    userMetadata: JSON.parse(user.userMetadata) as Metadata,
    identities: [],
    createdAt: now,
    updatedAt: now,
  }
}

/** What a sign-up answers where a tenant's trigger kept the row out. */
export function refusedByTrigger(): ServiceError {
  return new ServiceError('auth.database_error', { message: 'Database error saving new user' })
}
