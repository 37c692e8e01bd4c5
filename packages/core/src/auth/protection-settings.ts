import { z } from 'zod'

const limit = z.number().int().min(0).max(1_000_000)

/** What keeps a project's auth service from being used too much, or by machines; by GoTrue's names. The captcha's secret is `security_captcha_secret`. */
export const protectionSettingsSchema = z.object({
  /** Mails an hour, of the whole project. */
  rateLimitEmailSent: limit,
  /** Text messages an hour, of the whole project. */
  rateLimitSmsSent: limit,
  /** Anonymous sign-ups an hour of one client address. */
  rateLimitAnonymousUsers: limit,
  /** Sign-ups, and requests for links and codes, in five minutes of one client address. */
  rateLimitOtp: limit,
  /** Codes and links that are tried in five minutes by one client address. */
  rateLimitVerify: limit,
  /** Sign-ins and refreshes in five minutes of one client address. */
  rateLimitTokenRefresh: limit,
  securityCaptchaEnabled: z.boolean(),
  securityCaptchaProvider: z.enum(['hcaptcha', 'turnstile']),
})

/** GoTrue's limits for what costs money; wider ones where one address may be a whole company. */
export const DEFAULT_PROTECTION_SETTINGS: z.infer<typeof protectionSettingsSchema> = {
  rateLimitEmailSent: 30,
  rateLimitSmsSent: 30,
  rateLimitAnonymousUsers: 30,
  rateLimitOtp: 300,
  rateLimitVerify: 300,
  rateLimitTokenRefresh: 1_800,
  securityCaptchaEnabled: false,
  securityCaptchaProvider: 'hcaptcha',
}
