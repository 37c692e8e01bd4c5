import { z } from 'zod'

/** One end user of a project (tier 2), as dashboard and SDK see it; never holds a hash or a token. */
export const userSchema = z.object({
  /** Any uuid: a seed's may be of no version at all. */
  id: z.guid(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  role: z.string().nullable(),
  emailConfirmedAt: z.date().nullable(),
  phoneConfirmedAt: z.date().nullable(),
  lastSignInAt: z.date().nullable(),
  bannedUntil: z.date().nullable(),
  isAnonymous: z.boolean(),
  appMetadata: z.record(z.string(), z.unknown()),
  userMetadata: z.record(z.string(), z.unknown()),
  identities: z.array(z.object({ id: z.string(), provider: z.string(), createdAt: z.date().nullable() })),
  createdAt: z.date(),
  updatedAt: z.date(),
})

export type User = z.infer<typeof userSchema>

/** One user with everything that is known of them but secrets. */
export const userDetailSchema = userSchema.extend({
  confirmationSentAt: z.date().nullable(),
  recoverySentAt: z.date().nullable(),
  invitedAt: z.date().nullable(),
  /** An address or a number that the user wants to have and has not proven yet. */
  newEmail: z.string().nullable(),
  newPhone: z.string().nullable(),
  /** Since when the row is kept for foreign keys alone. */
  deletedAt: z.date().nullable(),
  identities: z.array(
    z.object({
      id: z.string(),
      provider: z.string(),
      providerId: z.string(),
      email: z.string().nullable(),
      data: z.record(z.string(), z.unknown()),
      lastSignInAt: z.date().nullable(),
      createdAt: z.date().nullable(),
    }),
  ),
})

export const userFilterSchema = z.enum(['all', 'confirmed', 'unconfirmed', 'anonymous', 'banned'])

export const userOrderSchema = z.enum(['created_at', 'updated_at', 'last_sign_in_at', 'email', 'phone'])

export const listUsersSchema = z.strictObject({
  /** From 1. */
  page: z.number().int().min(1).max(100_000).default(1),
  perPage: z.number().int().min(1).max(1000).default(50),
  /** Part of an e-mail address, a phone number or a name, or a whole id. */
  search: z.string().max(254).optional(),
  filter: userFilterSchema.optional(),
  /** Only users who can sign in with this provider. */
  provider: z.string().max(100).optional(),
  /** The newest first where nothing is said. */
  orderBy: userOrderSchema.optional(),
  isAscending: z.boolean().optional(),
})

export const userPageSchema = z.object({ users: userSchema.array(), total: z.number().int() })

const password = z.string().min(6).max(72)
const metadata = z.record(z.string(), z.unknown())

/** A user made by an administrator or a member; address and number count as confirmed when `isConfirmed`. */
export const createUserSchema = z.strictObject({
  email: z.string().max(254).optional(),
  phone: z.string().max(32).optional(),
  password: password.optional(),
  isConfirmed: z.boolean().default(true),
  userMetadata: metadata.optional(),
  appMetadata: metadata.optional(),
})
