import { apiTableSchema, restSettingsSchema } from '@polder/core'
import { noInput, projectProcedure, projectRecordProcedure, router } from '../trpc.ts'

/** What a project's data API exposes. */
export const restRouter = router({
  listTables: projectProcedure('rest.read')
    .input(noInput)
    .output(apiTableSchema.array())
    .query(({ ctx }) => ctx.services.adapters.rest.listTables(ctx.project)),

  getSettings: projectRecordProcedure('rest.read')
    .input(noInput)
    .output(restSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'rest')),

  updateSettings: projectRecordProcedure('rest.configure')
    .input(restSettingsSchema.partial().strict())
    .output(restSettingsSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'rest', input)),
})
