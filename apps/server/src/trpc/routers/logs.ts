import {
  exportLogsSchema,
  logConditionsSchema,
  logExportSchema,
  logHistogramQuerySchema,
  logHistogramSchema,
  logPageSchema,
  logsSettingsSchema,
  queryLogsSchema,
  savedLogQuerySchema,
  saveLogQuerySchema,
  writeLogSchema,
} from '@polder/core'
import { z } from 'zod'
import { noInput, noOutput, projectRecordProcedure, router } from '../trpc.ts'

/** A project's log; it can be read whatever the project's status is. */
export const logsRouter = router({
  listEntries: projectRecordProcedure('logs.read')
    .input(queryLogsSchema)
    .output(logPageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.logs.query(ctx.record, input)),

  getHistogram: projectRecordProcedure('logs.read')
    .input(logHistogramQuerySchema)
    .output(logHistogramSchema)
    .query(({ ctx, input }) => ctx.services.adapters.logs.histogram(ctx.record, input)),

  watchEntries: projectRecordProcedure('logs.read')
    .input(z.strictObject({ conditions: logConditionsSchema.default({}) }))
    .subscription(({ ctx, input, signal }) =>
      ctx.services.adapters.logs.follow(ctx.record, input.conditions, ctx.services.untilStopped(signal)),
    ),

  createExport: projectRecordProcedure('logs.read')
    .input(exportLogsSchema)
    .output(logExportSchema)
    .mutation(({ ctx, input }) => ctx.services.logExports.create(ctx.actor, ctx.record.ref, input)),

  write: projectRecordProcedure('logs.write')
    .input(writeLogSchema)
    .output(noOutput)
    .mutation(({ ctx, input }) => {
      ctx.services.adapters.logs.log(ctx.record, input, { requestId: ctx.request.id })
      return {}
    }),

  listSavedQueries: projectRecordProcedure('logs.read')
    .input(noInput)
    .output(savedLogQuerySchema.array())
    .query(({ ctx }) => ctx.services.savedLogQueries.list(ctx.record.ref)),

  saveQuery: projectRecordProcedure('logs.write')
    .input(saveLogQuerySchema)
    .output(savedLogQuerySchema)
    .mutation(({ ctx, input }) => ctx.services.savedLogQueries.save(ctx.actor, ctx.record.ref, input)),

  deleteSavedQuery: projectRecordProcedure('logs.write')
    .input(z.strictObject({ queryId: z.uuid() }))
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.savedLogQueries.delete(ctx.record.ref, input.queryId)
      return {}
    }),

  getSettings: projectRecordProcedure('logs.read')
    .input(noInput)
    .output(logsSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'logs')),

  updateSettings: projectRecordProcedure('logs.configure')
    .input(logsSettingsSchema.partial().strict())
    .output(logsSettingsSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'logs', input)),
})
