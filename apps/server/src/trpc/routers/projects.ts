import {
  auditPageSchema,
  createdProjectSchema,
  createProjectSchema,
  listAuditEntriesSchema,
  operationSchema,
  projectConnectionSchema,
  projectNameSchema,
  projectSchema,
  revealableSecretSchema,
} from '@polder/core'
import { z } from 'zod'
import { watchProjects } from '../../platform/watch-projects.ts'
import { accountProcedure, noInput, organizationProcedure, projectRecordProcedure, router } from '../trpc.ts'

const ofOrganization = z.strictObject({ organizationId: z.uuid().optional() })
const named = z.strictObject({ name: projectNameSchema })

/** Projects as a whole: making, moving and deleting them, and what an app needs to use one. */
export const projectsRouter = router({
  list: accountProcedure
    .input(ofOrganization.optional())
    .output(projectSchema.array())
    .query(({ ctx, input }) => ctx.services.projects.list(ctx.account, input?.organizationId)),

  get: projectRecordProcedure('project.read')
    .output(projectSchema)
    .query(({ ctx }) => ctx.services.projects.get(ctx.record.ref)),

  create: organizationProcedure('project.create')
    .input(createProjectSchema.omit({ organizationId: true }))
    .output(createdProjectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.create(ctx.actor, { ...input, organizationId: ctx.organization.id })),

  rename: projectRecordProcedure('project.update')
    .input(named)
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.rename(ctx.actor, ctx.record.ref, input.name)),

  transfer: projectRecordProcedure('project.transfer')
    .input(z.strictObject({ organizationId: z.uuid() }))
    .output(projectSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.transfer(ctx.actor, ctx.account, ctx.record.ref, input.organizationId)),

  delete: projectRecordProcedure('project.delete')
    .input(z.strictObject({ name: z.string().max(200) }))
    .output(operationSchema)
    .mutation(({ ctx, input }) => ctx.services.projects.delete(ctx.actor, ctx.record.ref, input.name)),

  retry: projectRecordProcedure('project.update')
    .input(noInput)
    .output(operationSchema)
    .mutation(({ ctx }) => ctx.services.projects.retry(ctx.actor, ctx.record.ref)),

  getConnection: projectRecordProcedure('project.read')
    .output(projectConnectionSchema)
    .query(({ ctx }) => ctx.services.projects.getConnection(ctx.record.ref)),

  revealSecret: projectRecordProcedure('project.reveal')
    .input(z.strictObject({ secret: revealableSecretSchema }))
    .output(z.object({ value: z.string() }))
    .mutation(({ ctx, input }) => ctx.services.projects.revealSecret(ctx.actor, ctx.record.ref, input.secret)),

  takeFirstUserPassword: projectRecordProcedure('project.reveal')
    .input(noInput)
    .output(z.object({ email: z.string(), password: z.string() }))
    .mutation(({ ctx }) => ctx.services.projects.takeFirstUserPassword(ctx.actor, ctx.record.ref)),

  listAuditEntries: projectRecordProcedure('audit.read')
    .input(listAuditEntriesSchema)
    .output(auditPageSchema)
    .query(({ ctx, input }) => ctx.services.projects.listAuditEntries(ctx.record.ref, input)),

  watch: accountProcedure
    .input(ofOrganization.optional())
    .subscription(({ ctx, input, signal }) =>
      watchProjects(ctx.services, ctx.account, input?.organizationId, ctx.services.untilStopped(signal)),
    ),
})
