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

export const listUsersSchema = z.strictObject({
  /** From 1. */
  page: z.number().int().min(1).max(100_000).default(1),
  perPage: z.number().int().min(1).max(1000).default(50),
  /** Part of an e-mail address, or a whole id. */
  search: z.string().max(254).optional(),
})

export const userPageSchema = z.object({ users: userSchema.array(), total: z.number().int() })

/** A user made by an administrator or a member; the address counts as confirmed when `isConfirmed`. */
export const createUserSchema = z.strictObject({
  email: z.string().max(254),
  password: z.string().min(6).max(72).optional(),
  isConfirmed: z.boolean().default(true),
  userMetadata: z.record(z.string(), z.unknown()).optional(),
  appMetadata: z.record(z.string(), z.unknown()).optional(),
})
