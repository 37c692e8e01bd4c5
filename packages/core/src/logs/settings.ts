import { z } from 'zod'
import { logLevelSchema } from './log-line.ts'

/** Settings of a project's log. */
export const logsSettingsSchema = z.object({
  /** The lightest level that is kept. */
  level: logLevelSchema,
  /** How long lines are kept; the installation may keep them for less. */
  retentionDays: z.number().int().min(1).max(90),
  /** Statements of apps that take longer are written down, without their values. */
  slowStatementMs: z.number().int().min(1).max(3_600_000),
})

export type LogsSettings = z.infer<typeof logsSettingsSchema>

export const DEFAULT_LOGS_SETTINGS: LogsSettings = { level: 'info', retentionDays: 7, slowStatementMs: 1000 }
