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
}
