import { z } from 'zod'
import { emailSchema } from '../account/account.ts'
import { isPlainText } from '../plain-text.ts'
import { memberRoleSchema } from './role.ts'

/** Accounts grouped; owns projects. `role` is that of the account that asks. */
export const organizationSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  role: memberRoleSchema,
  projectCount: z.number().int(),
  memberCount: z.number().int(),
  createdAt: z.date(),
})

export type Organization = z.infer<typeof organizationSchema>

export const organizationNameSchema = z.string().trim().min(1).max(100).refine(isPlainText, 'has control characters')

export const memberSchema = z.object({
  accountId: z.uuid(),
  email: z.string(),
  name: z.string(),
  role: memberRoleSchema,
  joinedAt: z.date(),
})

export type Member = z.infer<typeof memberSchema>

export const invitationSchema = z.object({
  id: z.uuid(),
  email: z.string(),
  role: memberRoleSchema,
  invitedBy: z.string(),
  createdAt: z.date(),
  expiresAt: z.date(),
})

export type Invitation = z.infer<typeof invitationSchema>

export const inviteSchema = z.strictObject({ organizationId: z.uuid(), email: emailSchema, role: memberRoleSchema })

/** What the holder of an invitation's link sees before accepting. */
export const invitationPreviewSchema = z.object({
  organizationName: z.string(),
  email: z.string(),
  role: memberRoleSchema,
  hasAccount: z.boolean(),
})

export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.date(),
  /** E-mail of the account at that time; null for the system itself. */
  actor: z.string().nullable(),
  /** `<noun>.<verb>`, for example `project.create`. */
  action: z.string(),
  ref: z.string().nullable(),
  target: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  ip: z.string().nullable(),
  requestId: z.string().nullable(),
})

export type AuditEntry = z.infer<typeof auditEntrySchema>

/** Which page of a log to read: the entries before one that was seen. */
export const listAuditEntriesSchema = z.strictObject({
  before: z
    .string()
    .regex(/^[0-9]{1,18}$/)
    .optional(),
  limit: z.number().int().min(1).max(200).default(50),
})

export type ListAuditEntries = z.infer<typeof listAuditEntriesSchema>

/** Entries, newest first, and where the next page begins; null on the last one. */
export const auditPageSchema = z.object({ entries: auditEntrySchema.array(), next: z.string().nullable() })

export type AuditPage = z.infer<typeof auditPageSchema>

/** Text of an invitation's link that proves the invitation. */
export const invitationTokenSchema = z.string().min(1).max(200)
