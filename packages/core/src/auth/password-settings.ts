import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

/** What a password must be, how it is changed, and what hashing it costs; by GoTrue's names. */
export const passwordSettingsSchema = z.object({
  passwordMinLength: z.number().int().min(6).max(72),
  /** Sets of characters, of each of which a password needs one. */
  passwordRequiredCharacters: z.string().min(1).max(200).refine(isPlainText, 'has control characters').array().max(10),
  /** Whether new passwords are looked for in the list of leaked ones at haveibeenpwned.com; only five characters of a hash go there. */
  passwordHibpEnabled: z.boolean(),
  /** Cost of Argon2id; hashes of another cost are made anew when their user signs in. */
  passwordArgon2MemoryKib: z.number().int().min(8_192).max(65_536),
  passwordArgon2Passes: z.number().int().min(1).max(6),
  passwordArgon2Lanes: z.number().int().min(1).max(4),
  /** A new password needs a sign-in within a day, or the code that `reauthenticate` sends. */
  securityUpdatePasswordRequireReauthentication: z.boolean(),
  securityUpdatePasswordRequireCurrentPassword: z.boolean(),
})

/** The cost is OWASP's minimum for Argon2id. */
export const DEFAULT_PASSWORD_SETTINGS: z.infer<typeof passwordSettingsSchema> = {
  passwordMinLength: 6,
  passwordRequiredCharacters: [],
  passwordHibpEnabled: false,
  passwordArgon2MemoryKib: 19_456,
  passwordArgon2Passes: 2,
  passwordArgon2Lanes: 1,
  securityUpdatePasswordRequireReauthentication: false,
  securityUpdatePasswordRequireCurrentPassword: false,
}
