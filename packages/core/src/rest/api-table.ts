import { z } from 'zod'

/** A table or view that a project's data API exposes. */
export const apiTableSchema = z.object({
  schema: z.string(),
  name: z.string(),
  columns: z.object({ name: z.string(), type: z.string() }).array(),
  isInsertable: z.boolean(),
  isUpdatable: z.boolean(),
  isDeletable: z.boolean(),
})

export type ApiTable = z.infer<typeof apiTableSchema>
