import { operationSchema } from '@polder/core'
import { z } from 'zod'
import { accountProcedure, projectRecordProcedure, router } from '../trpc.ts'

const byId = z.strictObject({ operationId: z.uuid() })

/** Work longer than a request: how far it is, and when it ends. */
export const operationsRouter = router({
  get: accountProcedure
    .input(byId)
    .output(operationSchema)
    .query(({ ctx, input }) => ctx.services.operations.get(ctx.account, input.operationId)),

  wait: accountProcedure
    .input(z.strictObject({ operationId: z.uuid(), timeoutMs: z.number().int().min(0).max(25_000).default(25_000) }))
    .output(operationSchema)
    .query(({ ctx, input, signal }) =>
      ctx.services.operations.wait(ctx.account, input.operationId, input.timeoutMs, ctx.services.untilStopped(signal)),
    ),

  list: projectRecordProcedure('project.read')
    .output(operationSchema.array())
    .query(({ ctx }) => ctx.services.operations.list(ctx.record.ref)),

  watch: accountProcedure
    .input(byId)
    .subscription(({ ctx, input, signal }) =>
      ctx.services.operations.watch(ctx.account, input.operationId, ctx.services.untilStopped(signal)),
    ),
})
