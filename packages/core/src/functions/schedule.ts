import { z } from 'zod'
import { functionNameSchema } from './function-name.ts'

export const scheduleInputSchema = z.strictObject({
  /** Name of the schedule, for people. */
  title: z.string().trim().min(1).max(100),
  name: functionNameSchema,
  /** Five fields: minute, hour, day of month, month, day of week; or @hourly and the like. */
  cron: z.string().trim().min(1).max(200),
  /** IANA name. */
  timeZone: z.string().min(1).max(64).default('UTC'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  path: z
    .string()
    .max(500)
    .regex(/^(?:[/?][^\s#]*)?$/)
    .default(''),
  body: z.string().max(100_000).nullable().default(null),
  /** What becomes of runs that were due while no server ran: none, or one for all of them. */
  missedRuns: z.enum(['skip', 'once']).default('skip'),
  isEnabled: z.boolean().default(true),
})

export type ScheduleInput = z.infer<typeof scheduleInputSchema>

export const scheduleRunSchema = z.object({
  at: z.date(),
  /** When it was due. */
  dueAt: z.date(),
  status: z.number().int(),
  durationMs: z.number(),
  requestId: z.string(),
  /** How many earlier due times this run stands for. */
  missed: z.number().int(),
  error: z.string().nullable(),
})

export type ScheduleRun = z.infer<typeof scheduleRunSchema>

export const scheduleSchema = z.object({
  id: z.uuid(),
  title: z.string(),
  name: z.string(),
  cron: z.string(),
  timeZone: z.string(),
  method: z.string(),
  path: z.string(),
  body: z.string().nullable(),
  missedRuns: z.enum(['skip', 'once']),
  isEnabled: z.boolean(),
  nextAt: z.date().nullable(),
  lastRun: scheduleRunSchema.nullable(),
  createdAt: z.date(),
})

export type Schedule = z.infer<typeof scheduleSchema>
