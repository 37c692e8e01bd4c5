import { z } from 'zod'
import { functionNameSchema } from './function-name.ts'

export const invocationSchema = z.object({
  id: z.string(),
  at: z.date(),
  name: z.string(),
  version: z.number().int(),
  requestId: z.string(),
  method: z.string(),
  path: z.string(),
  status: z.number().int(),
  durationMs: z.number(),
  /** The call's share of what the process used; null when it was too short to be seen. */
  cpuMs: z.number().nullable(),
  memoryMb: z.number().nullable(),
  isColdStart: z.boolean(),
  /** Why it failed, when the platform ended it. */
  error: z.string().nullable(),
})

export type Invocation = z.infer<typeof invocationSchema>

export const listInvocationsSchema = z.strictObject({
  name: functionNameSchema.optional(),
  onlyErrors: z.boolean().default(false),
  /** The oldest one already seen. */
  before: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  limit: z.number().int().min(1).max(200).default(50),
})

export type ListInvocations = z.infer<typeof listInvocationsSchema>

/** One line that a function wrote, or that the platform wrote about it. */
export const functionLogLineSchema = z.object({
  /** Grows with every line of a server process. */
  seq: z.number().int(),
  at: z.date(),
  name: z.string().nullable(),
  version: z.number().int().nullable(),
  requestId: z.string().nullable(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  source: z.enum(['console', 'platform']),
  message: z.string(),
})

export type FunctionLogLine = z.infer<typeof functionLogLineSchema>

/** A call that a member tries from the dashboard. */
export const testFunctionSchema = z.strictObject({
  name: functionNameSchema,
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']).default('POST'),
  /** What follows the function's name: path and query. */
  path: z
    .string()
    .max(2000)
    .regex(/^(?:[/?][^\s#]*)?$/)
    .default(''),
  headers: z.record(z.string().max(200), z.string().max(8000)).default({}),
  body: z.string().max(1_000_000).optional(),
  /** Whose token the call carries. */
  as: z.discriminatedUnion('role', [
    z.strictObject({ role: z.literal('anon') }),
    z.strictObject({ role: z.literal('service_role') }),
    z.strictObject({ role: z.literal('authenticated'), userId: z.guid(), email: z.string().max(320).optional() }),
    z.strictObject({ role: z.literal('none') }),
  ]),
})

export type TestFunction = z.infer<typeof testFunctionSchema>

export const testAnswerSchema = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  /** The beginning of the body, as text. */
  body: z.string(),
  isTruncated: z.boolean(),
  isText: z.boolean(),
  durationMs: z.number(),
  requestId: z.string(),
})

export type TestAnswer = z.infer<typeof testAnswerSchema>
