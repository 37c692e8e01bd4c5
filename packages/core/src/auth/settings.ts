import { z } from 'zod'

/** Settings of a project's auth service. */
export const authSettingsSchema = z.object({
  isSignupEnabled: z.boolean(),
  /** Users count as confirmed when they sign up; there is no mail yet that could ask them. */
  isAutoconfirm: z.boolean(),
  minPasswordLength: z.number().int().min(6).max(72),
  accessTokenSeconds: z.number().int().min(30).max(604_800),
  refreshReuseSeconds: z.number().int().min(0).max(300),
})

export type AuthSettings = z.infer<typeof authSettingsSchema>

/** What a new project has: as a new Supabase project on a developer's machine. */
export const DEFAULT_AUTH_SETTINGS: AuthSettings = {
  isSignupEnabled: true,
  isAutoconfirm: true,
  minPasswordLength: 6,
  accessTokenSeconds: 3600,
  refreshReuseSeconds: 10,
}
