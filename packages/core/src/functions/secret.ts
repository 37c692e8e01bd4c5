import { z } from 'zod'

/** Prefixes of names that the runtime, its loader or the platform read themselves. */
const RESERVED = /^(?:DENO_|NODE_|NPM_|LD_|DYLD_|V8_|OTEL_|SUPABASE_|POLDER_)|_PROXY$|^(?:PATH|HOME|TMP|TMPDIR|TEMP|SHELL|USER|NO_COLOR)$/

/** Why a name cannot be that of a secret; undefined for one that can. */
export function findSecretNameFault(name: string): string | undefined {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name))
    return 'A name has capital letters, digits and _, begins with a letter, and has at most 64 characters.'
  if (name.startsWith('SUPABASE_')) return 'Names that begin with SUPABASE_ are set by the platform.'
  if (RESERVED.test(name)) return 'The name changes how the runtime itself works.'
  return undefined
}

export const secretValueSchema = z
  .string()
  .max(48 * 1024)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'has characters that cannot be kept')

/** A secret as lists show it: never with its value. */
export const functionSecretSchema = z.object({
  name: z.string(),
  /** First half of the value's sha256, hex: shows whether two are the same. */
  digest: z.string(),
  updatedAt: z.date(),
})

export type FunctionSecret = z.infer<typeof functionSecretSchema>

/** A name is checked where it is used, so that the refusal can say why. */
export const setSecretsSchema = z.strictObject({
  secrets: z
    .strictObject({ name: z.string().max(256), value: secretValueSchema })
    .array()
    .min(1)
    .max(100),
})

export type SetSecrets = z.infer<typeof setSecretsSchema>
