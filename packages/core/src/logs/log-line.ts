import { z } from 'zod'

/** The levels in order of weight. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** Who says something about a project; `app` is what the project's own people and apps log. */
export const LOG_SERVICES = [
  'gateway',
  'auth',
  'rest',
  'storage',
  'realtime',
  'functions',
  'webhooks',
  'analytics',
  'database',
  'operations',
  'logs',
  'app',
] as const

export const logLevelSchema = z.enum(LOG_LEVELS)

export const logServiceSchema = z.enum(LOG_SERVICES)

export type LogLevel = z.infer<typeof logLevelSchema>

export type LogService = z.infer<typeof logServiceSchema>

/** One line of a project's log as it is written; what is not known is left out. */
export interface LogLine {
  /** Milliseconds since 1970. */
  at: number
  level: LogLevel
  service: LogService
  message?: string
  requestId?: string
  userId?: string
  ip?: string
  method?: string
  /** Path and query of the request. */
  path?: string
  status?: number
  durationMs?: number
  /** Size of the answer. */
  bytes?: number
  /** Further facts; they must be JSON. */
  fields?: Readonly<Record<string, unknown>>
}

/** One line as it is read. */
export const logEntrySchema = z.object({
  /** Stays the same for as long as the line is kept. */
  id: z.string(),
  at: z.date(),
  level: logLevelSchema,
  service: logServiceSchema,
  message: z.string().nullable(),
  requestId: z.string().nullable(),
  userId: z.string().nullable(),
  ip: z.string().nullable(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  status: z.number().int().nullable(),
  durationMs: z.number().nullable(),
  bytes: z.number().int().nullable(),
  fields: z.record(z.string(), z.unknown()).nullable(),
})

export type LogEntry = z.infer<typeof logEntrySchema>

/** What `log` takes: a line of the project's own. */
export const writeLogSchema = z.strictObject({
  level: logLevelSchema.default('info'),
  message: z.string().min(1).max(10_000),
  fields: z.record(z.string().max(200), z.json()).optional(),
})

export type WriteLog = z.infer<typeof writeLogSchema>
