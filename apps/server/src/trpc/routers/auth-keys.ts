import {
  createSigningKeySchema,
  importJwtSecretSchema,
  importSigningKeySchema,
  namedSigningKeySchema,
  signingKeySchema,
} from '@polder/core'
import { noInput, projectRecordProcedure } from '../trpc.ts'

const keys = signingKeySchema.array()

/** The keys that a project's tokens are signed with; every change answers all of them. */
export const signingKeyProcedures = {
  listSigningKeys: projectRecordProcedure('auth.read')
    .input(noInput)
    .output(keys)
    .query(({ ctx }) => ctx.services.signingKeys.list(ctx.record.ref)),

  createSigningKey: projectRecordProcedure('auth.keys')
    .input(createSigningKeySchema)
    .output(keys)
    .mutation(({ ctx, input }) => ctx.services.signingKeys.create(ctx.actor, ctx.record.ref, input.algorithm)),

  importSigningKey: projectRecordProcedure('auth.keys')
    .input(importSigningKeySchema)
    .output(keys)
    .mutation(({ ctx, input }) => ctx.services.signingKeys.import(ctx.actor, ctx.record.ref, input.jwk)),

  rotateSigningKeys: projectRecordProcedure('auth.keys')
    .input(noInput)
    .output(keys)
    .mutation(({ ctx }) => ctx.services.signingKeys.rotate(ctx.actor, ctx.record.ref)),

  revokeSigningKey: projectRecordProcedure('auth.keys')
    .input(namedSigningKeySchema)
    .output(keys)
    .mutation(({ ctx, input }) => ctx.services.signingKeys.revoke(ctx.actor, ctx.record.ref, input.kid)),

  reinstateSigningKey: projectRecordProcedure('auth.keys')
    .input(namedSigningKeySchema)
    .output(keys)
    .mutation(({ ctx, input }) => ctx.services.signingKeys.reinstate(ctx.actor, ctx.record.ref, input.kid)),

  importJwtSecret: projectRecordProcedure('auth.keys')
    .input(importJwtSecretSchema)
    .output(keys)
    .mutation(({ ctx, input }) => ctx.services.signingKeys.importJwtSecret(ctx.actor, ctx.record.ref, input.secret)),
}
