import {
  auditPageSchema,
  invitationPreviewSchema,
  invitationSchema,
  invitationTokenSchema,
  inviteSchema,
  listAuditEntriesSchema,
  memberRoleSchema,
  memberSchema,
  organizationNameSchema,
  organizationSchema,
} from '@polder/core'
import { z } from 'zod'
import { accountProcedure, noInput, noOutput, organizationProcedure, publicProcedure, router, sessionProcedure } from '../trpc.ts'

const named = z.strictObject({ name: organizationNameSchema })
const byToken = z.strictObject({ token: invitationTokenSchema })

/** Organizations, their members, invitations and log. */
export const organizationsRouter = router({
  list: accountProcedure.output(organizationSchema.array()).query(({ ctx }) => ctx.services.organizations.listOrganizations(ctx.account)),

  get: organizationProcedure('organization.read')
    .output(organizationSchema)
    .query(({ ctx }) => ctx.services.organizations.getOrganization(ctx.account.accountId, ctx.organization.id)),

  listMembers: organizationProcedure('member.read')
    .output(memberSchema.array())
    .query(({ ctx }) => ctx.services.organizations.listMembers(ctx.organization.id)),

  listInvitations: organizationProcedure('member.read')
    .output(invitationSchema.array())
    .query(({ ctx }) => ctx.services.organizations.listInvitations(ctx.organization.id)),

  listAuditEntries: organizationProcedure('audit.read')
    .input(listAuditEntriesSchema)
    .output(auditPageSchema)
    .query(({ ctx, input }) => ctx.services.organizations.listAuditEntries(ctx.organization.id, input)),

  findInvitation: publicProcedure
    .input(byToken)
    .output(invitationPreviewSchema)
    .query(({ ctx, input }) => ctx.services.organizations.findInvitation(ctx.request, input.token)),

  create: accountProcedure
    .input(named)
    .output(organizationSchema)
    .mutation(({ ctx, input }) => ctx.services.organizations.createOrganization(ctx.actor, input)),

  rename: organizationProcedure('organization.update')
    .input(named)
    .output(organizationSchema)
    .mutation(({ ctx, input }) => ctx.services.organizations.renameOrganization(ctx.actor, ctx.organization.id, input.name)),

  delete: organizationProcedure('organization.delete')
    .input(noInput)
    .output(noOutput)
    .mutation(({ ctx }) => ctx.services.organizations.deleteOrganization(ctx.actor, ctx.organization.id)),

  updateMember: organizationProcedure('member.update')
    .input(z.strictObject({ accountId: z.uuid(), role: memberRoleSchema }))
    .output(memberSchema)
    .mutation(({ ctx, input }) => ctx.services.organizations.updateMember(ctx.actor, input)),

  removeMember: organizationProcedure('member.remove')
    .input(z.strictObject({ accountId: z.uuid() }))
    .output(noOutput)
    .mutation(({ ctx, input }) => ctx.services.organizations.removeMember(ctx.actor, input)),

  leave: organizationProcedure('member.leave')
    .input(noInput)
    .output(noOutput)
    .mutation(({ ctx }) => ctx.services.organizations.leave(ctx.actor, ctx.organization.id)),

  invite: organizationProcedure('member.invite')
    .input(inviteSchema.omit({ organizationId: true }))
    .output(z.object({ invitation: invitationSchema, token: z.string(), url: z.string() }))
    .mutation(({ ctx, input }) => ctx.services.organizations.invite(ctx.actor, input)),

  revokeInvitation: organizationProcedure('member.invite')
    .input(z.strictObject({ invitationId: z.uuid() }))
    .output(noOutput)
    .mutation(({ ctx, input }) => ctx.services.organizations.revokeInvitation(ctx.actor, ctx.organization.id, input.invitationId)),

  acceptInvitation: sessionProcedure
    .input(byToken)
    .output(organizationSchema)
    .mutation(({ ctx, input }) => ctx.services.organizations.acceptInvitation(ctx.request, ctx.actor, input.token)),
})
