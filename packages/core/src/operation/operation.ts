import { z } from 'zod'

export const operationStatusSchema = z.enum(['queued', 'running', 'succeeded', 'undoing', 'failed'])

export const operationKindSchema = z.enum(['project.create', 'project.delete'])

export type OperationKind = z.infer<typeof operationKindSchema>

export const operationStepSchema = z.object({
  name: z.string(),
  /** What the step does, for people. */
  title: z.string(),
  status: z.enum(['pending', 'running', 'done', 'failed', 'undone']),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
})

export type OperationStep = z.infer<typeof operationStepSchema>

/** Work longer than a request: a row with steps that can be watched, resumed and undone. */
export const operationSchema = z.object({
  id: z.uuid(),
  kind: operationKindSchema,
  ref: z.string(),
  status: operationStatusSchema,
  steps: operationStepSchema.array(),
  attempt: z.number().int(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  createdAt: z.date(),
  finishedAt: z.date().nullable(),
})

export type Operation = z.infer<typeof operationSchema>
