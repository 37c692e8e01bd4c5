import { z } from 'zod'
import { logEntrySchema, logLevelSchema, logServiceSchema } from './log-line.ts'

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'has a NUL character or half of a surrogate pair')

export const FIELD_OPERATORS = ['=', '!=', '>', '>=', '<', '<=', 'contains', 'exists'] as const

/** A condition on `fields`: the value at a path of names, compared as a number where both sides are one. */
export const fieldConditionSchema = z.strictObject({
  path: text(100).array().min(1).max(8),
  operator: z.enum(FIELD_OPERATORS),
  value: z.string().max(1000).default(''),
})

export type FieldCondition = z.infer<typeof fieldConditionSchema>

/** Which lines; conditions of different kinds hold together, the values of one kind are alternatives. */
export const logConditionsSchema = z.strictObject({
  levels: logLevelSchema.array().max(4).optional(),
  services: logServiceSchema.array().max(20).optional(),
  methods: z
    .string()
    .regex(/^[A-Z]{1,20}$/)
    .array()
    .max(10)
    .optional(),
  /** Lowest and highest status. */
  status: z.strictObject({ from: z.number().int().min(0).max(999), to: z.number().int().min(0).max(999) }).optional(),
  minDurationMs: z.number().min(0).optional(),
  requestId: text(64).optional(),
  userId: text(255).optional(),
  ip: text(64).optional(),
  /** Part of the path, in any case. */
  path: text(500).optional(),
  /** Part of the message, the path or the fields, in any case. */
  search: text(500).optional(),
  fields: fieldConditionSchema.array().max(10).optional(),
})

export type LogConditions = z.infer<typeof logConditionsSchema>

/** Both ends of a range of time; `to` is not in it. */
export const timeRangeSchema = z
  .strictObject({ from: z.coerce.date(), to: z.coerce.date() })
  .refine(({ from, to }) => from < to, 'ends before it begins')

export type TimeRange = z.infer<typeof timeRangeSchema>

export const queryLogsSchema = z.strictObject({
  range: timeRangeSchema,
  conditions: logConditionsSchema.default({}),
  order: z.enum(['newest', 'oldest']).default('newest'),
  limit: z.number().int().min(1).max(1000).default(100),
  /** `next` of the page before. */
  cursor: z
    .string()
    .regex(/^\d{1,17}\.\d{1,19}\.\d{1,9}$/)
    .optional(),
})

export type QueryLogs = z.infer<typeof queryLogsSchema>

export const logPageSchema = z.object({
  entries: logEntrySchema.array(),
  /** Where the next page begins; null when the range is read. */
  next: z.string().nullable(),
  /** How far was looked; inside the range when the time for one page was over before the page was full. */
  searchedTo: z.date(),
})

export type LogPage = z.infer<typeof logPageSchema>

export const logHistogramQuerySchema = z.strictObject({
  range: timeRangeSchema,
  conditions: logConditionsSchema.default({}),
  /** How many bars at most; their width is a round number of seconds. */
  bars: z.number().int().min(1).max(500).default(60),
})

export type LogHistogramQuery = z.infer<typeof logHistogramQuerySchema>

export const logHistogramSchema = z.object({
  stepMs: z.number().int(),
  /** Bars that have lines, in order. */
  bars: z.object({ at: z.date(), debug: z.number(), info: z.number(), warn: z.number(), error: z.number() }).array(),
  /** Whether counting took too long, so that the oldest bars are missing. */
  isPartial: z.boolean(),
})

export type LogHistogram = z.infer<typeof logHistogramSchema>

export const LOG_EXPORT_FORMATS = ['json', 'ndjson', 'csv'] as const

export const exportLogsSchema = z.strictObject({
  range: timeRangeSchema,
  conditions: logConditionsSchema.default({}),
  format: z.enum(LOG_EXPORT_FORMATS),
})

export type ExportLogs = z.infer<typeof exportLogsSchema>

/** Where an export is fetched, once begun within a minute; the address alone opens it. */
export const logExportSchema = z.object({ url: z.string(), expiresAt: z.date() })

export type LogExportFormat = ExportLogs['format']

export const savedLogQuerySchema = z.object({
  id: z.uuid(),
  name: z.string(),
  conditions: logConditionsSchema,
  /** How far back from now it looks. */
  lastMinutes: z.number().int(),
  createdAt: z.date(),
})

export type SavedLogQuery = z.infer<typeof savedLogQuerySchema>

export const saveLogQuerySchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  conditions: logConditionsSchema,
  lastMinutes: z.number().int().min(1).max(525_600),
})

export type SaveLogQuery = z.infer<typeof saveLogQuerySchema>
