import { z } from 'zod'

/** Settings of a project's auth service; the defaults are those of a new Supabase project on a developer's machine. */
export const authSettingsSchema = z.object({
  isSignupEnabled: z.boolean().default(true),
  /** Users count as confirmed when they sign up; there is no mail yet that could ask them. */
  isAutoconfirm: z.boolean().default(true),
  minPasswordLength: z.number().int().min(6).max(72).default(6),
  accessTokenSeconds: z.number().int().min(30).max(604_800).default(3600),
  refreshReuseSeconds: z.number().int().min(0).max(300).default(10),
})

export type AuthSettings = z.infer<typeof authSettingsSchema>

/** Settings of a project's data API, by PostgREST's meaning of them. */
export const restSettingsSchema = z.object({
  schemas: z.array(z.string()).min(1).default(['public']),
  extraSearchPath: z.array(z.string()).default(['public', 'extensions']),
  maxRows: z.number().int().min(1).nullable().default(1000),
  /** Function without arguments, `schema.name` or `name`, that runs before every request in its transaction. */
  preRequest: z.string().min(1).nullable().default(null),
  areAggregatesAllowed: z.boolean().default(false),
  /** Whether clients may ask for the plan of their statement. */
  isPlanAllowed: z.boolean().default(false),
  /** How a request's transaction ends, and whether `Prefer: tx=…` may say otherwise. */
  transactionEnd: z.enum(['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override']).default('commit'),
})

export type RestSettings = z.infer<typeof restSettingsSchema>

/** `projects.settings`: one part a service, each complete with defaults when read. */
export const projectSettingsSchema = z.object({
  auth: authSettingsSchema.prefault({}),
  rest: restSettingsSchema.prefault({}),
})

export type ProjectSettings = z.infer<typeof projectSettingsSchema>
