import {
  AUTH_SECRET_NAMES,
  authSecretStateSchema,
  authSettingsSchema,
  createUserSchema,
  listUsersSchema,
  updateAuthSecretsSchema,
  userPageSchema,
  userSchema,
} from '@polder/core'
import { z } from 'zod'
import { createAuditedUser, deleteAuditedUser } from '../../platform/audited-users.ts'
import { noInput, noOutput, projectProcedure, projectRecordProcedure, router } from '../trpc.ts'
import { signingKeyProcedures } from './auth-keys.ts'

/** The users of a project, for its members. */
export const authRouter = router({
  ...signingKeyProcedures,

  listUsers: projectProcedure('auth.read')
    .input(listUsersSchema)
    .output(userPageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.auth.listUsers(ctx.project, input)),

  createUser: projectProcedure('auth.write')
    .input(createUserSchema)
    .output(userSchema)
    .mutation(({ ctx, input }) => createAuditedUser(ctx.services, ctx.project, ctx.actor, input)),

  deleteUser: projectProcedure('auth.write')
    .input(z.strictObject({ userId: z.guid() }))
    .output(z.object({}))
    .mutation(async ({ ctx, input }) => {
      await deleteAuditedUser(ctx.services, ctx.project, ctx.actor, input.userId)
      return {}
    }),

  getSettings: projectRecordProcedure('auth.read')
    .input(noInput)
    .output(authSettingsSchema)
    .query(({ ctx }) => ctx.services.projectSettings.get(ctx.record.ref, 'auth')),

  updateSettings: projectRecordProcedure('auth.configure')
    .input(authSettingsSchema.partial().strict())
    .output(authSettingsSchema)
    .mutation(({ ctx, input }) => ctx.services.projectSettings.update(ctx.actor, ctx.record.ref, 'auth', input)),

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
})
