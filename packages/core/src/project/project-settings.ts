import { z } from 'zod'
import { authSettingsSchema, DEFAULT_AUTH_SETTINGS } from '../auth/settings.ts'
import { DEFAULT_LOGS_SETTINGS, logsSettingsSchema } from '../logs/settings.ts'
import { DEFAULT_REALTIME_SETTINGS, realtimeSettingsSchema } from '../realtime/settings.ts'
import { DEFAULT_FUNCTIONS_SETTINGS, functionsSettingsSchema } from '../functions/settings.ts'
import { DEFAULT_REST_SETTINGS, restSettingsSchema } from '../rest/settings.ts'
import { DEFAULT_STORAGE_SETTINGS, storageSettingsSchema } from '../storage/settings.ts'

// Only what differs from a default is stored, so that a later default reaches older projects.
const completed =
  (defaults: object) =>
  (stored: unknown): object => ({ ...defaults, ...(stored as object | undefined) })

/** `projects.settings`: one part a service, each complete with defaults when read. */
export const projectSettingsSchema = z.object({
  auth: z.preprocess(completed(DEFAULT_AUTH_SETTINGS), authSettingsSchema),
  realtime: z.preprocess(completed(DEFAULT_REALTIME_SETTINGS), realtimeSettingsSchema),
  rest: z.preprocess(completed(DEFAULT_REST_SETTINGS), restSettingsSchema),
  logs: z.preprocess(completed(DEFAULT_LOGS_SETTINGS), logsSettingsSchema),
  functions: z.preprocess(completed(DEFAULT_FUNCTIONS_SETTINGS), functionsSettingsSchema),
  storage: z.preprocess(completed(DEFAULT_STORAGE_SETTINGS), storageSettingsSchema),
})

export type ProjectSettings = z.infer<typeof projectSettingsSchema>

/** The services that have settings. */
export type ConfigurableService = keyof ProjectSettings
