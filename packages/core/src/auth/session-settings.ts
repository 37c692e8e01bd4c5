import { z } from 'zod'

/** How long users stay signed in; by GoTrue's names, times in seconds. */
export const sessionSettingsSchema = z.object({
  /** Life of an access token. */
  jwtExp: z.number().int().min(30).max(604_800),
  /** Life of a session, however much it is used; null for no end. */
  sessionsTimebox: z.number().int().min(60).max(315_360_000).nullable(),
  /** How long a session may go without a refresh; null for any time. */
  sessionsInactivityTimeout: z.number().int().min(60).max(315_360_000).nullable(),
  /** Whether only the session that was used last can be refreshed. */
  sessionsSinglePerUser: z.boolean(),
  /** Whether a refresh token that is used again after the interval ends its session. */
  securityRefreshTokenRotationEnabled: z.boolean(),
  /** How long a refresh token can be used again after its first use. */
  securityRefreshTokenReuseInterval: z.number().int().min(0).max(300),
})

export const DEFAULT_SESSION_SETTINGS: z.infer<typeof sessionSettingsSchema> = {
  jwtExp: 3_600,
  sessionsTimebox: null,
  sessionsInactivityTimeout: null,
  sessionsSinglePerUser: false,
  securityRefreshTokenRotationEnabled: true,
  securityRefreshTokenReuseInterval: 10,
}
