import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

/** Every kind of mail that a project's auth service sends, by GoTrue's names. */
export const mailTemplateSchema = z.enum([
  'confirmation',
  'invite',
  'magic_link',
  'recovery',
  'email_change',
  'reauthentication',
  'password_changed_notification',
  'email_changed_notification',
  'phone_changed_notification',
  'identity_linked_notification',
  'identity_unlinked_notification',
  'mfa_factor_enrolled_notification',
  'mfa_factor_unenrolled_notification',
])

export type MailTemplate = z.infer<typeof mailTemplateSchema>

// A line break in one of these would begin a header of its own.
const headerText = (longest: number) => z.string().max(longest).refine(isPlainText, 'has control characters')

export const mailSubjectSchema = headerText(255).min(1)

export const mailContentSchema = z
  .string()
  .min(1)
  .max(65_536)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'is no text')

const emailAddress = z.union([z.literal(''), z.email().max(254)])

/** How mail is sent and what it says; by GoTrue's names, times in seconds. The SMTP password is the secret `smtp_pass`. */
export const mailSettingsSchema = z.object({
  /** Whether addresses count as confirmed without a mail. */
  mailerAutoconfirm: z.boolean(),
  /** Whether a change of address needs the consent of the old address too. */
  mailerSecureEmailChangeEnabled: z.boolean(),
  mailerOtpExp: z.number().int().min(60).max(86_400),
  mailerOtpLength: z.number().int().min(6).max(10),
  /** Whether the links in mails open a page with a button, so that what opens links before their reader cannot use them up. */
  mailerLinkPageEnabled: z.boolean(),
  /** Only what differs from the templates that come along. */
  mailerSubjects: z.partialRecord(mailTemplateSchema, mailSubjectSchema),
  mailerTemplates: z.partialRecord(mailTemplateSchema, mailContentSchema),
  mailerNotificationsPasswordChangedEnabled: z.boolean(),
  mailerNotificationsEmailChangedEnabled: z.boolean(),
  mailerNotificationsPhoneChangedEnabled: z.boolean(),
  mailerNotificationsIdentityLinkedEnabled: z.boolean(),
  mailerNotificationsIdentityUnlinkedEnabled: z.boolean(),
  mailerNotificationsMfaFactorEnrolledEnabled: z.boolean(),
  mailerNotificationsMfaFactorUnenrolledEnabled: z.boolean(),
  /** Empty: mail goes to the project's inbox in the dashboard. */
  smtpHost: headerText(253).regex(/^[A-Za-z0-9.:_[\]-]*$/),
  smtpPort: z.number().int().min(1).max(65_535),
  smtpUser: headerText(255),
  smtpAdminEmail: emailAddress,
  smtpSenderName: headerText(100),
  /** How long a user waits before the same mail can be asked for again. */
  smtpMaxFrequency: z.number().int().min(0).max(86_400),
})

export const DEFAULT_MAIL_SETTINGS: z.infer<typeof mailSettingsSchema> = {
  mailerAutoconfirm: true,
  mailerSecureEmailChangeEnabled: true,
  mailerOtpExp: 3_600,
  mailerOtpLength: 6,
  mailerLinkPageEnabled: true,
  mailerSubjects: {},
  mailerTemplates: {},
  mailerNotificationsPasswordChangedEnabled: false,
  mailerNotificationsEmailChangedEnabled: false,
  mailerNotificationsPhoneChangedEnabled: false,
  mailerNotificationsIdentityLinkedEnabled: false,
  mailerNotificationsIdentityUnlinkedEnabled: false,
  mailerNotificationsMfaFactorEnrolledEnabled: false,
  mailerNotificationsMfaFactorUnenrolledEnabled: false,
  smtpHost: '',
  smtpPort: 587,
  smtpUser: '',
  smtpAdminEmail: '',
  smtpSenderName: '',
  smtpMaxFrequency: 60,
}
