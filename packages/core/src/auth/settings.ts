import { z } from 'zod'
import { DEFAULT_HOOK_SETTINGS, hookSettingsSchema } from './hook-settings.ts'
import { DEFAULT_MAIL_SETTINGS, mailSettingsSchema } from './mail-settings.ts'
import { DEFAULT_PASSWORD_SETTINGS, passwordSettingsSchema } from './password-settings.ts'
import { DEFAULT_PROTECTION_SETTINGS, protectionSettingsSchema } from './protection-settings.ts'
import { DEFAULT_SESSION_SETTINGS, sessionSettingsSchema } from './session-settings.ts'
import { DEFAULT_SITE_SETTINGS, siteSettingsSchema } from './site-settings.ts'
import { DEFAULT_SMS_SETTINGS, smsSettingsSchema } from './sms-settings.ts'

/** Settings of a project's auth service: GoTrue's, with its names. Flat, so that any of them can be changed alone. */
export const authSettingsSchema = z.object({
  ...siteSettingsSchema.shape,
  ...passwordSettingsSchema.shape,
  ...sessionSettingsSchema.shape,
  ...mailSettingsSchema.shape,
  ...smsSettingsSchema.shape,
  ...protectionSettingsSchema.shape,
  ...hookSettingsSchema.shape,
})

export type AuthSettings = z.infer<typeof authSettingsSchema>

/** What a new project has: as a new Supabase project on a developer's machine. */
export const DEFAULT_AUTH_SETTINGS: AuthSettings = {
  ...DEFAULT_SITE_SETTINGS,
  ...DEFAULT_PASSWORD_SETTINGS,
  ...DEFAULT_SESSION_SETTINGS,
  ...DEFAULT_MAIL_SETTINGS,
  ...DEFAULT_SMS_SETTINGS,
  ...DEFAULT_PROTECTION_SETTINGS,
  ...DEFAULT_HOOK_SETTINGS,
}
