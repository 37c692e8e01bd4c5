import { requireTemplate } from '@polder/adapters/auth'
import {
  inboxEntrySchema,
  inboxMessageSchema,
  listInboxSchema,
  mailPreviewSchema,
  mailTemplateDetailSchema,
  namedMessageSchema,
  previewMailSchema,
  sendTestMailSchema,
  updateMailTemplateSchema,
  type AuthSettings,
} from '@polder/core'
import { noteUserChange } from '../../platform/audited-users.ts'
import { noInput, noOutput, projectProcedure } from '../trpc.ts'

/** What a project's mails say, and where they go. The inbox is for those who may change users: its links sign in whoever opens them. */
export const mailProcedures = {
  listMailTemplates: projectProcedure('auth.read')
    .input(noInput)
    .output(mailTemplateDetailSchema.array())
    .query(({ ctx }) => ctx.services.adapters.auth.listMailTemplates(ctx.project)),

  updateMailTemplate: projectProcedure('auth.configure')
    .input(updateMailTemplateSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input: { name, subject, content } }) => {
      requireTemplate(subject ?? '')
      requireTemplate(content ?? '')
      await ctx.services.projectSettings.update(ctx.actor, ctx.project.ref, 'auth', (settings) => ({
        ...(subject !== undefined && { mailerSubjects: withText(settings.mailerSubjects, name, subject) }),
        ...(content !== undefined && { mailerTemplates: withText(settings.mailerTemplates, name, content) }),
      }))
      return {}
    }),

  previewMail: projectProcedure('auth.read')
    .input(previewMailSchema)
    .output(mailPreviewSchema)
    // no query: a text is longer than an address may be
    .mutation(({ ctx, input: { name, subject, content } }) => {
      const text = { ...(subject !== undefined && { subject }), ...(content !== undefined && { content }) }
      return ctx.services.adapters.auth.previewMail(ctx.project, name, text)
    }),

  sendTestMail: projectProcedure('auth.configure')
    .input(sendTestMailSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.adapters.auth.sendTestMail(ctx.project, input.to)
      await noteUserChange(ctx, 'auth.send_test_mail', input.to)
      return {}
    }),

  listInbox: projectProcedure('auth.write')
    .input(listInboxSchema)
    .output(inboxEntrySchema.array())
    .query(({ ctx, input: { search, before, limit } }) => {
      const selection = { limit, ...(search !== undefined && { search }), ...(before !== undefined && { before }) }
      return ctx.services.adapters.auth.listInboxMessages(ctx.project, selection)
    }),

  getInboxMessage: projectProcedure('auth.write')
    .input(namedMessageSchema)
    .output(inboxMessageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.auth.getInboxMessage(ctx.project, input.messageId)),

  deleteInboxMessage: projectProcedure('auth.write')
    .input(namedMessageSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.adapters.auth.clearInbox(ctx.project, input.messageId)
      return {}
    }),

  clearInbox: projectProcedure('auth.write')
    .input(noInput)
    .output(noOutput)
    .mutation(async ({ ctx }) => {
      await ctx.services.adapters.auth.clearInbox(ctx.project)
      return {}
    }),
}

type Texts = AuthSettings['mailerSubjects']

function withText(texts: Texts, name: keyof Texts, text: string | null): Texts {
  const { [name]: _, ...rest } = texts
  return text === null ? rest : { ...rest, [name]: text }
}
