import {
  accessTokenSchema,
  accountNameSchema,
  accountSchema,
  accountSessionSchema,
  changePasswordSchema,
  createAccessTokenSchema,
  signInSchema,
  signUpSchema,
} from '@polder/core'
import { z } from 'zod'
import { accountProcedure, noInput, noOutput, publicProcedure, router, sessionProcedure } from '../trpc.ts'

const byId = z.strictObject({ id: z.uuid() })

/** The account that asks: signing up, in and out, its sessions and its access tokens. */
export const accountRouter = router({
  get: accountProcedure.output(accountSchema).query(({ ctx }) => ctx.services.accounts.getAccount(ctx.account.accountId)),

  listSessions: sessionProcedure.output(accountSessionSchema.array()).query(({ ctx }) => ctx.services.accounts.listSessions(ctx.account)),

  listTokens: sessionProcedure
    .output(accessTokenSchema.array())
    .query(({ ctx }) => ctx.services.accounts.listTokens(ctx.account.accountId)),

  signUp: publicProcedure
    .input(signUpSchema)
    .output(accountSchema)
    .mutation(({ ctx, input }) => ctx.services.accounts.signUp(ctx, input)),

  signIn: publicProcedure
    .input(signInSchema)
    .output(accountSchema)
    .mutation(({ ctx, input }) => ctx.services.accounts.signIn(ctx, input)),

  signOut: sessionProcedure
    .input(noInput)
    .output(noOutput)
    .mutation(({ ctx }) => ctx.services.accounts.signOut(ctx)),

  update: sessionProcedure
    .input(z.strictObject({ name: accountNameSchema }))
    .output(accountSchema)
    .mutation(({ ctx, input }) => ctx.services.accounts.updateAccount(ctx.actor, input)),

  changePassword: sessionProcedure
    .input(changePasswordSchema)
    .output(noOutput)
    .mutation(({ ctx, input }) => ctx.services.accounts.changePassword(ctx, input)),

  revokeSession: sessionProcedure
    .input(byId)
    .output(noOutput)
    .mutation(({ ctx, input }) => ctx.services.accounts.revokeSession(ctx.actor, input)),

  revokeOtherSessions: sessionProcedure
    .input(noInput)
    .output(z.object({ revoked: z.number().int() }))
    .mutation(({ ctx }) => ctx.services.accounts.revokeOtherSessions(ctx.actor, ctx.account)),

  createToken: sessionProcedure
    .input(createAccessTokenSchema)
    .output(z.object({ token: z.string(), accessToken: accessTokenSchema }))
    .mutation(({ ctx, input }) => ctx.services.accounts.createToken(ctx.actor, input)),

  revokeToken: sessionProcedure
    .input(byId)
    .output(noOutput)
    .mutation(({ ctx, input }) => ctx.services.accounts.revokeToken(ctx.actor, input)),
})
