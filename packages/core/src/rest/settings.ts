import { z } from 'zod'
import { isPlainText } from '../plain-text.ts'

const schemaName = z.string().min(1).max(63).refine(isPlainText, 'has control characters')

/** Settings of a project's data API, by PostgREST's meaning of them. */
export const restSettingsSchema = z.object({
  schemas: schemaName.array().min(1).max(50),
  extraSearchPath: schemaName.array().max(50),
  /** Most rows of an answer; null for no limit. */
  maxRows: z.number().int().min(1).max(2_147_483_647).nullable(),
  /** Function without arguments, `schema.name` or `name`, that runs before every request in its transaction. */
  preRequest: z.string().min(1).max(200).refine(isPlainText, 'has control characters').nullable(),
  areAggregatesAllowed: z.boolean(),
  /** Whether clients may ask for the plan of their statement. */
  isPlanAllowed: z.boolean(),
  /** How a request's transaction ends, and whether `Prefer: tx=…` may say otherwise. */
  transactionEnd: z.enum(['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override']),
  /** What requests without a key, and tokens that name no role, run as; null refuses them, as hosted Supabase does. */
  anonymousRole: z.enum(['anon', 'authenticated']).nullable(),
  /** What a token's `aud` has to be or contain, where it has one; null for anything. */
  jwtAudience: z.string().min(1).max(500).refine(isPlainText, 'has control characters').nullable(),
  /** What functions and policies read as `current_setting('app.settings.<name>')`. Whoever may run SQL can read them: no place for secrets. */
  appSettings: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_$]{0,62}$/, 'is no name of a setting'),
      z.string().max(2000).refine(isPlainText, 'has control characters'),
    )
    .refine((settings) => Object.keys(settings).length <= 50, 'has more than 50 settings'),
})

export type RestSettings = z.infer<typeof restSettingsSchema>

/** What a new project has: as a new Supabase project. */
export const DEFAULT_REST_SETTINGS: RestSettings = {
  schemas: ['public'],
  extraSearchPath: ['public', 'extensions'],
  maxRows: 1000,
  preRequest: null,
  areAggregatesAllowed: false,
  isPlanAllowed: false,
  transactionEnd: 'commit',
  anonymousRole: null,
  jwtAudience: null,
  appSettings: {},
}
