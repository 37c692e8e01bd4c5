import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

const plainText = (longest: number) => z.string().max(longest).refine(isPlainText, 'has control characters')

/** Schemes that run code or read files where they are opened; every other one may belong to an app. */
const FORBIDDEN_SCHEMES = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

function isSiteUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && !FORBIDDEN_SCHEMES.has(url.protocol)
}

/** Where users come back to after a link, and which ways of signing up and in are open; by GoTrue's names. */
export const siteSettingsSchema = z.object({
  /** The app's own address: where links lead when they name no other, or one that is not allowed. */
  siteUrl: plainText(2_000).refine(isSiteUrl, 'takes an absolute URL'),
  /** Further addresses that links may lead to; `*`, `**`, `?`, `[…]` and `{a,b}` as in GoTrue. */
  uriAllowList: plainText(500).min(1).array().max(200),
  disableSignup: z.boolean(),
  externalEmailEnabled: z.boolean(),
  externalEmailMagicLinkEnabled: z.boolean(),
  externalPhoneEnabled: z.boolean(),
  externalAnonymousUsersEnabled: z.boolean(),
  /** How many seconds the code of a PKCE flow, or the way to a provider and back, may take. */
  externalFlowStateExpiryDuration: z.number().int().min(60).max(86_400),
})

export const DEFAULT_SITE_SETTINGS: z.infer<typeof siteSettingsSchema> = {
  siteUrl: 'http://localhost:3000',
  uriAllowList: [],
  disableSignup: false,
  externalEmailEnabled: true,
  externalEmailMagicLinkEnabled: true,
  externalPhoneEnabled: false,
  externalAnonymousUsersEnabled: false,
  externalFlowStateExpiryDuration: 300,
}
