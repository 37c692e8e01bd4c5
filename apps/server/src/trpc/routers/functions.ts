import {
  deployedFunctionSchema,
  deployFunctionSchema,
  functionLogLineSchema,
  functionNameSchema,
  functionSchema,
  functionSecretSchema,
  functionSourceSchema,
  functionsSettingsSchema,
  functionVersionSchema,
  invocationSchema,
  listedFunctionSchema,
  listInvocationsSchema,
  scheduleInputSchema,
  scheduleRunSchema,
  scheduleSchema,
  setSecretsSchema,
  testAnswerSchema,
  testFunctionSchema,
} from '@polder/core'
import { z } from 'zod'
import { noteFunctionChange } from '../../platform/audit-functions.ts'
import { noInput, noOutput, projectProcedure, projectRecordProcedure, router } from '../trpc.ts'

const named = z.strictObject({ name: functionNameSchema })
const ofVersion = named.extend({ version: z.number().int().min(1) })
const byId = z.strictObject({ scheduleId: z.uuid() })
const runtimeSchema = z.object({ isAvailable: z.boolean(), isJailed: z.boolean(), warnings: z.string().array() })

const bundleProblemSchema = z.object({
  text: z.string(),
  file: z.string().nullable(),
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
})

/** A project's functions: their code, secrets, schedules and calls. */
export const functionsRouter = router({
  list: projectProcedure('functions.read')
    .input(noInput)
    .output(listedFunctionSchema.array())
    .query(({ ctx }) => ctx.services.adapters.functions.listFunctions(ctx.project)),

  get: projectProcedure('functions.read')
    .input(named)
    .output(functionSchema)
    .query(({ ctx, input }) => ctx.services.adapters.functions.getFunction(ctx.project, input.name)),

  deploy: projectProcedure('functions.write')
    .input(deployFunctionSchema)
    .output(deployedFunctionSchema)
    .mutation(({ ctx, input }) =>
      ctx.services.adapters.functions.deployFunction(
        ctx.project,
        { ...input, deployedBy: ctx.actor.email },
        noteFunctionChange(ctx.project, ctx.actor, 'function.deploy', input.name),
      ),
    ),

  check: projectProcedure('functions.write')
    .input(z.strictObject({ source: functionSourceSchema }))
    .output(z.object({ problems: bundleProblemSchema.array() }))
    .mutation(({ ctx, input }) => ctx.services.adapters.functions.checkSource(input.source)),

  delete: projectProcedure('functions.write')
    .input(named)
    .output(noOutput)
    .mutation(async ({ ctx, input: { name } }) => {
      await ctx.services.adapters.functions.deleteFunction(
        ctx.project,
        name,
        noteFunctionChange(ctx.project, ctx.actor, 'function.delete', name),
      )
      return {}
    }),

  setVerifyJwt: projectProcedure('functions.write')
    .input(named.extend({ verifyJwt: z.boolean() }))
    .output(functionSchema)
    .mutation(({ ctx, input: { name, verifyJwt } }) =>
      ctx.services.adapters.functions.setVerifyJwt(
        ctx.project,
        name,
        verifyJwt,
        noteFunctionChange(ctx.project, ctx.actor, 'function.set_verify_jwt', name, { verifyJwt }),
      ),
    ),

  listVersions: projectProcedure('functions.read')
    .input(named)
    .output(functionVersionSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.functions.listVersions(ctx.project, input.name)),

  getSource: projectProcedure('functions.read')
    .input(named.extend({ version: z.number().int().min(1).optional() }))
    .output(functionSourceSchema)
    .query(({ ctx, input }) => ctx.services.adapters.functions.getSource(ctx.project, input.name, input.version)),

  rollBack: projectProcedure('functions.write')
    .input(ofVersion)
    .output(functionSchema)
    .mutation(({ ctx, input: { name, version } }) =>
      ctx.services.adapters.functions.rollBack(
        ctx.project,
        name,
        version,
        noteFunctionChange(ctx.project, ctx.actor, 'function.roll_back', name, { version }),
      ),
    ),

  listSecrets: projectProcedure('functions.read')
    .input(noInput)
    .output(functionSecretSchema.array())
    .query(({ ctx }) => ctx.services.adapters.functions.listSecrets(ctx.project)),

  setSecrets: projectProcedure('functions.write')
    .input(setSecretsSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      const names = input.secrets.map(({ name }) => name).join(', ')
      await ctx.services.adapters.functions.setSecrets(
        ctx.project,
        input,
        noteFunctionChange(ctx.project, ctx.actor, 'function_secret.set', names),
      )
      return {}
    }),

  deleteSecrets: projectProcedure('functions.write')
    .input(z.strictObject({ names: z.string().max(256).array().min(1).max(100) }))
    .output(noOutput)
    .mutation(async ({ ctx, input: { names } }) => {
      const note = noteFunctionChange(ctx.project, ctx.actor, 'function_secret.delete', names.join(', '))
      await ctx.services.adapters.functions.deleteSecrets(ctx.project, names, note)
      return {}
    }),

  listSchedules: projectProcedure('functions.read')
    .input(noInput)
    .output(scheduleSchema.array())
    .query(({ ctx }) => ctx.services.adapters.functions.listSchedules(ctx.project)),

  createSchedule: projectProcedure('functions.write')
    .input(scheduleInputSchema)
    .output(scheduleSchema)
    .mutation(({ ctx, input }) =>
      ctx.services.adapters.functions.createSchedule(
        ctx.project,
        input,
        noteFunctionChange(ctx.project, ctx.actor, 'function_schedule.create', input.title),
      ),
    ),

  updateSchedule: projectProcedure('functions.write')
    .input(byId.extend(scheduleInputSchema.shape))
    .output(scheduleSchema)
    .mutation(({ ctx, input: { scheduleId, ...input } }) =>
      ctx.services.adapters.functions.updateSchedule(
        ctx.project,
        scheduleId,
        input,
        noteFunctionChange(ctx.project, ctx.actor, 'function_schedule.update', input.title),
      ),
    ),

  deleteSchedule: projectProcedure('functions.write')
    .input(byId)
    .output(noOutput)
    .mutation(async ({ ctx, input: { scheduleId } }) => {
      const note = noteFunctionChange(ctx.project, ctx.actor, 'function_schedule.delete', scheduleId)
      await ctx.services.adapters.functions.deleteSchedule(ctx.project, scheduleId, note)
      return {}
    }),

  listScheduleRuns: projectProcedure('functions.read')
    .input(byId)
    .output(scheduleRunSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.functions.listScheduleRuns(ctx.project, input.scheduleId)),

  listInvocations: projectProcedure('functions.read')
    .input(listInvocationsSchema)
    .output(invocationSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.functions.listInvocations(ctx.project, input)),

  listLogs: projectProcedure('functions.read')
    .input(
      z.strictObject({
        name: functionNameSchema.optional(),
        after: z.number().int().min(0).optional(),
        limit: z.number().int().min(1).max(500).default(200),
      }),
    )
    .output(functionLogLineSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.functions.listLogs(ctx.project, input)),

  watchLogs: projectProcedure('functions.read')
    .input(noInput)
    .subscription(({ ctx, signal }) => ctx.services.adapters.functions.watchLogs(ctx.project, ctx.services.untilStopped(signal))),

  test: projectProcedure('functions.write')
    .input(testFunctionSchema)
    .output(testAnswerSchema)
    .mutation(async ({ ctx, input }) => {
      const keys = await ctx.services.projects.getAppKeys(ctx.project.ref)
      return ctx.services.functionCalls.test(ctx.project, keys, input)
    }),

  getRuntime: projectProcedure('functions.read')
    .input(noInput)
    .output(runtimeSchema)
    .query(async ({ ctx }) => {
      const { warnings, ...found } = await ctx.services.adapters.functions.describeRuntime()
      return { ...found, warnings: [...warnings] }
    }),

  getSettings: projectRecordProcedure('functions.read')
    .input(noInput)
    .output(functionsSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'functions')),

  updateSettings: projectRecordProcedure('functions.configure')
    .input(functionsSettingsSchema.partial().strict())
    .output(functionsSettingsSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'functions', input)),
})
