import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'
import { projectRefSchema } from '../project/project-ref.ts'

/** What a personal access token may do: look only, or also change things (never more than its account's role). */
export const tokenAccessSchema = z.enum(['read', 'write'])

/** A personal access token as lists show it; the token itself is shown once, when it is made. */
export const accessTokenSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  /** The first characters, so that its owner can recognise it. */
  prefix: z.string(),
  access: tokenAccessSchema,
  /** Null: every organization of the account. */
  organizationId: z.uuid().nullable(),
  /** Null: every project of the organization. */
  projectRefs: projectRefSchema.array().nullable(),
  createdAt: z.date(),
  expiresAt: z.date().nullable(),
  lastUsedAt: z.date().nullable(),
})

export type AccessToken = z.infer<typeof accessTokenSchema>

export const createAccessTokenSchema = z.strictObject({
  name: z.string().trim().min(1).max(100).refine(isPlainText, 'has control characters'),
  access: tokenAccessSchema,
  organizationId: z.uuid().optional(),
  projectRefs: projectRefSchema.array().min(1).max(100).optional(),
  /** Days until it expires; never when absent. */
  expiresInDays: z.number().int().min(1).max(3650).optional(),
})

export type CreateAccessToken = z.infer<typeof createAccessTokenSchema>
