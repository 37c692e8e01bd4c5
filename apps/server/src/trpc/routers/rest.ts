import { apiTableSchema } from '@polder/core'
import { noInput, projectProcedure, router } from '../trpc.ts'

/** What a project's data API exposes. */
export const restRouter = router({
  listTables: projectProcedure('rest.read')
    .input(noInput)
    .output(apiTableSchema.array())
    .query(({ ctx }) => ctx.services.adapters.rest.listTables(ctx.project)),
})
