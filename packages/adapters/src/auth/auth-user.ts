import type { User } from '@polder/core'

/** One way to sign in as a user, with what its provider said. */
export interface AuthIdentity {
  id: string
  /** The user's name at the provider; the user's own id for provider `email`. */
  providerId: string
  userId: string
  provider: string
  data: Record<string, unknown>
  email: string | null
  lastSignInAt: Date | null
  createdAt: Date | null
  updatedAt: Date | null
}

/** A user with everything that apps are told about one: core's `User` and GoTrue's further fields. */
export interface AuthUser extends User {
  audience: string
  identities: AuthIdentity[]
  confirmedAt: Date | null
  invitedAt: Date | null
  confirmationSentAt: Date | null
  recoverySentAt: Date | null
  newEmail: string | null
  emailChangeSentAt: Date | null
  newPhone: string | null
  phoneChangeSentAt: Date | null
  reauthenticationSentAt: Date | null
  deletedAt: Date | null
}
