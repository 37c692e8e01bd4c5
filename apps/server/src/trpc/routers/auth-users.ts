import type { AuditRow, ClientFacts } from '@polder/adapters/auth'
import {
  authEventPageSchema,
  changedUsersSchema,
  changeUsersSchema,
  createdLinkSchema,
  createLinkSchema,
  createUserSchema,
  deleteUserSchema,
  endUserSessionsSchema,
  impersonationSchema,
  inviteUserSchema,
  listAuthEventsSchema,
  listUsersSchema,
  namedUserSchema,
  sendUserLinkSchema,
  updateUserSchema,
  userDetailSchema,
  userPageSchema,
  userSchema,
  userSessionSchema,
} from '@polder/core'
import { chooseRedirect } from '@polder/adapters/auth'
import { z } from 'zod'
import { noteUserChange } from '../../platform/audited-users.ts'
import { noOutput, projectProcedure } from '../trpc.ts'

const count = z.object({ count: z.number().int() })

/** Mail that members cause is of no client's. */
const client: ClientFacts = { ip: null, userAgent: null }

/** A project's users, for its members. */
export const userProcedures = {
  listUsers: projectProcedure('auth.read')
    .input(listUsersSchema)
    .output(userPageSchema)
    .query(({ ctx, input }) => ctx.services.adapters.auth.listUsers(ctx.project, input)),

  getUser: projectProcedure('auth.read')
    .input(namedUserSchema)
    .output(userDetailSchema)
    .query(({ ctx, input }) => ctx.services.adapters.auth.getUserById(ctx.project, input.userId)),

  createUser: projectProcedure('auth.write')
    .input(createUserSchema)
    .output(userSchema)
    .mutation(async ({ ctx, input }) => {
      const user = await ctx.services.adapters.auth.createUser(ctx.project, { ...input, isPhoneConfirmed: input.isConfirmed })
      await noteUserChange(ctx, 'user.create', user.id)
      return user
    }),

  updateUser: projectProcedure('auth.write')
    .input(updateUserSchema)
    .output(userDetailSchema)
    .mutation(async ({ ctx, input: { userId, ...changes } }) => {
      const user = await ctx.services.adapters.auth.updateUserById(ctx.project, userId, changes)
      await noteUserChange(ctx, 'user.update', userId, { changed: Object.keys(changes) })
      return user
    }),

  deleteUser: projectProcedure('auth.write')
    .input(deleteUserSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.adapters.auth.deleteUser(ctx.project, input)
      await noteUserChange(ctx, 'user.delete', input.userId, { isSoft: input.isSoft })
      return {}
    }),

  changeUsers: projectProcedure('auth.write')
    .input(changeUsersSchema)
    .output(changedUsersSchema)
    .mutation(async ({ ctx, input }) => {
      const { change } = input
      const changed = await ctx.services.adapters.auth.changeUsers(ctx.project, input)
      const isRefused = new Set(changed.refused.map(({ userId }) => userId))
      const userIds = input.userIds.filter((userId) => !isRefused.has(userId))
      await noteUserChange(ctx, `user.${change.kind}`, `${changed.count} users`, { ...change, userIds })
      return changed
    }),

  inviteUser: projectProcedure('auth.write')
    .input(inviteUserSchema)
    .output(userSchema)
    .mutation(async ({ ctx, input: { email, userMetadata, redirectTo } }) => {
      const user = await ctx.services.adapters.auth.inviteUser(ctx.project, {
        email,
        redirectTo: chooseRedirect(ctx.project.configuration.auth, [redirectTo]),
        client,
        ...(userMetadata && { data: userMetadata }),
      })
      await noteUserChange(ctx, 'user.invite', user.id)
      return user
    }),

  sendUserLink: projectProcedure('auth.write')
    .input(sendUserLinkSchema)
    .output(noOutput)
    .mutation(async ({ ctx, input }) => {
      await ctx.services.adapters.auth.sendUserLink(ctx.project, { ...input, client })
      await noteUserChange(ctx, 'user.send_link', input.userId, { type: input.type })
      return {}
    }),

  createLink: projectProcedure('auth.write')
    .input(createLinkSchema)
    .output(createdLinkSchema)
    .mutation(async ({ ctx, input: { type, email, newEmail = '', password = '', userMetadata, redirectTo } }) => {
      const link = await ctx.services.adapters.auth.generateLink(ctx.project, {
        ...{ type, email, newEmail, password, client },
        redirectTo: chooseRedirect(ctx.project.configuration.auth, [redirectTo]),
        ...(userMetadata && { data: userMetadata }),
      })
      await noteUserChange(ctx, 'user.create_link', link.user.id, { type })
      return { ...link, userId: link.user.id }
    }),

  impersonateUser: projectProcedure('auth.write')
    .input(namedUserSchema)
    .output(impersonationSchema)
    .mutation(async ({ ctx, input }) => {
      const made = await ctx.services.adapters.auth.impersonateUser(ctx.project, { ...input, client })
      await noteUserChange(ctx, 'user.impersonate', input.userId)
      return made
    }),

  listUserSessions: projectProcedure('auth.read')
    .input(namedUserSchema)
    .output(userSessionSchema.array())
    .query(({ ctx, input }) => ctx.services.adapters.auth.listUserSessions(ctx.project, input.userId)),

  endUserSessions: projectProcedure('auth.write')
    .input(endUserSessionsSchema)
    .output(count)
    .mutation(async ({ ctx, input: { userId, sessionId } }) => {
      const which = { userId, ...(sessionId !== undefined && { sessionId }) }
      const ended = await ctx.services.adapters.auth.endUserSessions(ctx.project, which)
      await noteUserChange(ctx, 'user.sign_out', userId, { count: ended })
      return { count: ended }
    }),

  listEvents: projectProcedure('auth.read')
    .input(listAuthEventsSchema)
    .output(authEventPageSchema)
    .query(async ({ ctx, input: { page, perPage, userId, search } }) => {
      const { entries, total } = await ctx.services.adapters.auth.listAuditEntries(ctx.project, {
        ...{ page, perPage },
        ...(userId !== undefined && { userId }),
        ...(search && { filter: { keys: ['action', 'actor_username'], part: search } }),
      })
      return { events: entries.map(toEvent), total }
    }),
}

/** SQL of the project may have written anything. */
function toEvent({ id, payload, createdAt, ipAddress }: AuditRow) {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  const { action, actor_id: actorId, actor_username: actorName, traits } = payload
  const isObject = typeof traits === 'object' && traits !== null && !Array.isArray(traits)
  return {
    ...{ id, createdAt, ipAddress },
    action: text(action) ?? '',
    actorId: text(actorId),
    actorName: text(actorName),
    traits: isObject ? (traits as Record<string, unknown>) : {},
  }
}
