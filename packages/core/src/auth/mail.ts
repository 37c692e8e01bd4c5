import { z } from 'zod'
import { mailContentSchema, mailSubjectSchema, mailTemplateSchema } from './mail-settings.ts'

const mailTextSchema = z.object({ subject: z.string(), content: z.string() })

/** A mail of a project: what it says now, and what it says where the project has no text of its own. */
export const mailTemplateDetailSchema = mailTextSchema.extend({
  name: mailTemplateSchema,
  usual: mailTextSchema,
  /** Names that may stand between braces, without their dot. */
  placeholders: z.string().array(),
})

/** Null goes back to the text that comes along; what is left out stays. */
export const updateMailTemplateSchema = z.strictObject({
  name: mailTemplateSchema,
  subject: mailSubjectSchema.nullable().optional(),
  content: mailContentSchema.nullable().optional(),
})

/** A text that is being written, instead of the project's. */
export const previewMailSchema = z.strictObject({
  name: mailTemplateSchema,
  subject: mailSubjectSchema.optional(),
  content: mailContentSchema.optional(),
})

export const mailPreviewSchema = z.object({ subject: z.string(), html: z.string(), text: z.string() })

export const sendTestMailSchema = z.strictObject({ to: z.email().max(254) })

/** A mail or text message that was not sent: there is no provider, or it did not take it. */
export const inboxEntrySchema = z.object({
  id: z.string(),
  channel: z.enum(['email', 'sms']),
  recipient: z.string(),
  kind: z.string(),
  subject: z.string(),
  /** Why its provider did not take it; null where the project has none. */
  failure: z.string().nullable(),
  createdAt: z.date(),
  readAt: z.date().nullable(),
})

export const inboxMessageSchema = inboxEntrySchema.extend({ content: z.string() })

export const namedMessageSchema = z.strictObject({ messageId: z.string().regex(/^\d{1,18}$/) })

export const listInboxSchema = z.strictObject({
  /** Part of the recipient or of the subject. */
  search: z.string().max(254).optional(),
  /** The last message that was seen. */
  before: namedMessageSchema.shape.messageId.optional(),
  limit: z.number().int().min(1).max(200).default(50),
})

/** The moments at which a project can have something of its own run, by GoTrue's names. */
export const hookNameSchema = z.enum([
  'before_user_created',
  'custom_access_token',
  'mfa_verification_attempt',
  'password_verification_attempt',
  'send_email',
  'send_sms',
])

export type HookName = z.infer<typeof hookNameSchema>

/** A new secret that a hook's calls are signed with; calls carry the previous one's signature too where `keepsPrevious`. */
export const createHookSecretSchema = z.strictObject({ hook: hookNameSchema, keepsPrevious: z.boolean().default(false) })

/** Shown this once. */
export const hookSecretSchema = z.object({ secret: z.string() })
