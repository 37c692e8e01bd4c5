import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

/** A person or script who signs in to Polder itself (tier 1); never called a user. */
export const accountSchema = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  /** Administers the whole installation; the first account does. */
  isAdministrator: z.boolean(),
  createdAt: z.date(),
})

export type Account = z.infer<typeof accountSchema>

/** Lower-cased and NFC; at most 254 characters as SMTP has it. */
export const emailSchema = z
  .string()
  .trim()
  .max(254)
  .refine((text) => text.isWellFormed(), 'is not well-formed')
  .transform((text) => text.normalize('NFC').toLowerCase())
  .pipe(z.email())

/** 10 to 256 characters; the upper bound keeps hashing cheap for callers who are not signed in. */
export const accountPasswordSchema = z
  .string()
  .min(10)
  .max(256)
  .refine((text) => text.isWellFormed(), 'is not well-formed')

export const accountNameSchema = z.string().trim().max(100).refine(isPlainText, 'has control characters')

export const signUpSchema = z.strictObject({
  email: emailSchema,
  password: accountPasswordSchema,
  name: accountNameSchema.optional(),
  /** From an invitation's link: opens sign-up to its e-mail even where it is closed, and accepts it. */
  invitationToken: z.string().max(200).optional(),
})

export const signInSchema = z.strictObject({ email: z.string().max(320), password: z.string().max(1024) })

export const changePasswordSchema = z.strictObject({ currentPassword: z.string().max(1024), newPassword: accountPasswordSchema })

export const accountSessionSchema = z.object({
  id: z.uuid(),
  isCurrent: z.boolean(),
  userAgent: z.string().nullable(),
  ip: z.string().nullable(),
  createdAt: z.date(),
  lastSeenAt: z.date(),
  expiresAt: z.date(),
})

export type AccountSession = z.infer<typeof accountSessionSchema>
