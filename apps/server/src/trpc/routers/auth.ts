import {
  AUTH_SECRET_NAMES,
  authSecretStateSchema,
  authSettingsSchema,
  createHookSecretSchema,
  hookSecretSchema,
  updateAuthSecretsSchema,
} from '@polder/core'
import { requireTemplate } from '@polder/adapters/auth'
import { noInput, noOutput, projectRecordProcedure, router } from '../trpc.ts'
import { signingKeyProcedures } from './auth-keys.ts'
import { mailProcedures } from './auth-mail.ts'
import { userProcedures } from './auth-users.ts'

/** A project's auth service, for its members. */
export const authRouter = router({
  ...signingKeyProcedures,
  ...userProcedures,
  ...mailProcedures,

  getSettings: projectRecordProcedure('auth.read')
    .input(noInput)
    .output(authSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'auth')),

  updateSettings: projectRecordProcedure('auth.configure')
    .input(authSettingsSchema.partial().strict())
    .output(authSettingsSchema)
    .mutation(({ ctx, input }) => {
      for (const text of Object.values({ ...input.mailerSubjects })) requireTemplate(text)
      for (const text of Object.values({ ...input.mailerTemplates })) requireTemplate(text)
      return ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'auth', input)
    }),

  listSecrets: projectRecordProcedure('auth.read')
    .input(noInput)
    .output(authSecretStateSchema.array())
    .query(({ ctx }) => ctx.services.projectSecrets.list(ctx.record.ref, AUTH_SECRET_NAMES)),

  updateSecrets: projectRecordProcedure('auth.configure')
    .input(updateAuthSecretsSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.projectSecrets.update(ctx.actor, ctx.record.ref, input)
      return {}
    }),

  createHookSecret: projectRecordProcedure('auth.configure')
    .input(createHookSecretSchema)
    .output(hookSecretSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSecrets.createHookSecret(ctx.actor, ctx.record.ref, input)),
})
