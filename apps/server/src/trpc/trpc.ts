import { isReading, mayDo, projectRefSchema, ServiceError, type Permission } from '@polder/core'
import { selectProjectMembership, selectProjectRefsOfAccount, selectRole, type PlatformDatabase } from '@polder/db'
import { initTRPC } from '@trpc/server'
import { z } from 'zod'
import { isProjectInScope, type SignedIn } from '../access/studio-session.ts'
import { toActor } from '../platform/actor.ts'
import type { Context } from './context.ts'
import { toErrorShape, toKnownError, toTrpcError } from './error-shape.ts'

/** Who may call a procedure; a test compares it with what really happens. */
export interface ProcedureMeta {
  permission: 'public' | 'account' | 'administrator' | Permission
  /** For a person in a browser only: access tokens are refused. */
  isSessionOnly?: boolean
}

const t = initTRPC
  .context<Context>()
  .meta<ProcedureMeta>()
  .create({
    isDev: false,
    errorFormatter: ({ shape, error, ctx }) => toErrorShape(toKnownError(error), { path: shape.data.path, requestId: ctx?.request.id }),
  })

export const router = t.router

export const createCallerFactory = t.createCallerFactory

/**
 * The input of a mutation that needs nothing: an empty object, and nothing else. Its type is not zod's own, which would
 * forbid the field that an organization's or a project's procedure adds.
 */
export const noInput: z.ZodType<Record<never, never>, Record<never, never>> = z.strictObject({})

/** The answer of a mutation that has nothing to say but that it is done. */
export const noOutput = z.object({})

/** For everybody, signed in or not. */
export const publicProcedure = t.procedure
  .use(async ({ ctx, path, next }) => {
    const result = await next()
    if (result.ok) return result
    const known = toKnownError(result.error)
    if (known.kind === 'internal') {
      ctx.services.observe({
        kind: 'error',
        requestId: ctx.request.id,
        code: known.code,
        cause: known.cause ?? new Error(path, { cause: known }),
      })
    }
    throw toTrpcError(known)
  })
  .meta({ permission: 'public' })

/** For anybody signed in, by session or by an access token whose scope is the whole account. */
export const accountProcedure = publicProcedure.meta({ permission: 'account' }).use(({ ctx, type, meta, next }) => {
  const account = requireAccount(ctx)
  if (account.token && (meta?.isSessionOnly || (type === 'mutation' && !isWholeAccount(account)))) {
    throw new ServiceError('access.forbidden', { message: 'This access token does not allow this.' })
  }
  return next({ ctx: { account, actor: toActor(account, ctx.request) } })
})

/** For a person in a browser: what must not be done by a token, such as making another token. */
export const sessionProcedure = accountProcedure.meta({ permission: 'account', isSessionOnly: true })

/** For administrators of the installation. */
export const administratorProcedure = accountProcedure.meta({ permission: 'administrator' }).use(({ ctx, next }) => {
  if (!ctx.account.isAdministrator || (ctx.account.token && !isWholeAccount(ctx.account))) throw new ServiceError('access.forbidden')
  return next()
})

/** For members of the organization named by `organizationId` whose role has the permission. Adds `ctx.organization`. */
export function organizationProcedure(permission: Permission) {
  return publicProcedure
    .meta({ permission })
    .input(z.object({ organizationId: z.uuid() }))
    .use(async ({ ctx, input, getRawInput, next }) => {
      const account = requireAccount(ctx)
      const isInScope = await isOrganizationInScope(ctx.services.platform, account, input.organizationId)
      const role = isInScope ? await selectRole(ctx.services.platform, input.organizationId, account.accountId) : undefined
      if (!role) throw new ServiceError('organization.not_found')
      requirePermission(role, permission, account)
      // A token for some projects sees the organization that they are in, and nothing else of it.
      if (account.token?.projectRefs && permission !== 'organization.read') throw new ServiceError('access.forbidden')
      return next({
        ctx: { account, actor: toActor(account, ctx.request), organization: { id: input.organizationId, role } },
        ...restOfInput(getRawInput, 'organizationId'),
      })
    })
}

/**
 * For members of the organization of the project named by `projectRef`, whatever the project's status: nothing of it is opened.
 * Adds `ctx.record`.
 */
export function projectRecordProcedure(permission: Permission) {
  return publicProcedure
    .meta({ permission })
    .input(z.object({ projectRef: projectRefSchema }))
    .use(async ({ ctx, input, getRawInput, next }) => {
      const account = requireAccount(ctx)
      const record = await selectProjectMembership(ctx.services.platform, input.projectRef, account.accountId)
      if (!record || !isProjectInScope(account, record)) throw new ServiceError('project.not_found')
      requirePermission(record.role, permission, account)
      return next({
        ctx: {
          account,
          actor: toActor(account, ctx.request),
          record: { ref: input.projectRef, organizationId: record.organizationId, role: record.role },
        },
        ...restOfInput(getRawInput, 'projectRef'),
      })
    })
}

/** For members of the organization of the project named by `projectRef`. Opens the project: adds `ctx.access` and `ctx.project`. */
export function projectProcedure(permission: Permission) {
  return publicProcedure
    .meta({ permission })
    .input(z.object({ projectRef: projectRefSchema }))
    .use(async ({ ctx, input, getRawInput, next }) => {
      const account = requireAccount(ctx)
      const access = await ctx.services.router.validateProjectAccess(input.projectRef, {
        kind: 'member',
        accountId: account.accountId,
        permission,
        ...(account.token ? { token: account.token } : {}),
      })
      const project = await ctx.services.router.getConnection(access)
      return next({
        ctx: { account, actor: toActor(account, ctx.request), access, project },
        ...restOfInput(getRawInput, 'projectRef'),
      })
    })
}

function requireAccount(ctx: Context): SignedIn {
  if (ctx.account) return ctx.account
  throw ctx.refusal ?? new ServiceError('access.unauthenticated')
}

function requirePermission(role: Parameters<typeof mayDo>[0], permission: Permission, account: SignedIn): void {
  const isWithinToken = account.token?.access !== 'read' || isReading(permission)
  if (!mayDo(role, permission) || !isWithinToken) throw new ServiceError('access.forbidden')
}

async function isOrganizationInScope(platform: PlatformDatabase, { accountId, token }: SignedIn, organizationId: string): Promise<boolean> {
  if (token?.organizationId && token.organizationId !== organizationId) return false
  if (!token?.projectRefs) return true
  return (await selectProjectRefsOfAccount(platform, accountId, token.projectRefs, organizationId)).length > 0
}

function isWholeAccount({ token }: SignedIn): boolean {
  return !token || (token.access === 'write' && token.organizationId === null && token.projectRefs === null)
}

/**
 * Lets the procedure's own strict schema see the input without the field that was read already. tRPC hands every parser the
 * whole input, and its types do not show that `next` takes a new one.
 */
function restOfInput(getRawInput: () => Promise<unknown>, field: string): object {
  return {
    async getRawInput() {
      const { [field]: _read, ...rest } = Object(await getRawInput()) as Record<string, unknown>
      return rest
    },
  }
}
