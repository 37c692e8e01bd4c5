import { isReading, mayDo, PERMISSIONS, ServiceError, type MemberRole, type Permission } from '@polder/core'
import type { AnyProcedure } from '@trpc/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ZodObject } from 'zod'
import type { SignedIn, TokenScope } from '../access/studio-session.ts'
import { appRouter } from './root.ts'
import { openTestStage, type TestStage } from './testing/test-stage.ts'
import { createCallerFactory, type ProcedureMeta } from './trpc.ts'

// Changing one of these lists is a decision on who may do what.
const PUBLIC = ['account.signIn', 'account.signUp', 'installation.get', 'organizations.findInvitation']
const ADMINISTRATOR = ['installation.update']
const SESSION_ONLY = [
  'account.changePassword',
  'account.createToken',
  'account.listSessions',
  'account.listTokens',
  'account.revokeOtherSessions',
  'account.revokeSession',
  'account.revokeToken',
  'account.signOut',
  'account.update',
  'organizations.acceptInvitation',
]
const ACCOUNT = [
  ...SESSION_ONLY,
  'account.get',
  'installation.listClusters',
  'operations.get',
  'operations.wait',
  'operations.watch',
  'organizations.create',
  'organizations.list',
  'projects.list',
  'projects.watch',
]

const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyProcedure>).map(([path, procedure]) => {
  const { meta, type, inputs } = procedure._def as unknown as { meta?: ProcedureMeta; type: string; inputs: Partial<ZodObject>[] }
  const fields = Object.keys(inputs[0]?.shape ?? {})
  const target = fields.includes('projectRef')
    ? 'project'
    : fields.includes('organizationId') && meta && meta.permission in PERMISSIONS
      ? 'organization'
      : null
  return { path, type, meta, target, hasOutput: 'output' in procedure._def }
})

/** Somebody who calls, and what of them decides. `role` is that in the organization of the project. */
interface Caller {
  account: SignedIn | null
  role: MemberRole | null
  isSession: boolean
  /** Whether the token reaches every organization, this organization, the project. */
  reaches: { account: boolean; organization: boolean; wholeOrganization: boolean; project: boolean }
}

const EVERYWHERE = { account: true, organization: true, wholeOrganization: true, project: true }
const callers: Record<string, Caller> = {}
let stage: TestStage
let callAs: (account: SignedIn | null) => unknown
let input: Record<string, unknown>

beforeAll(async () => {
  stage = await openTestStage()
  const administrator = await stage.signUp('installation-administrator')
  const owner = await stage.signUp('owner')
  const { organizationId } = stage.cluster
  const [project, sibling] = [await stage.cluster.createProject(), await stage.cluster.createProject()]
  const join = (person: { account: SignedIn }, role: MemberRole) =>
    stage.cluster.platform
      .insertInto('members')
      .values({ organization_id: organizationId, account_id: person.account.accountId, role })
      .execute()
  await join(owner, 'owner')
  const session = (account: SignedIn | null, role: MemberRole | null): Caller => ({ account, role, isSession: true, reaches: EVERYWHERE })
  callers.anonymous = session(null, null)
  callers['an owner elsewhere'] = session((await stage.signUp('stranger')).account, null)
  callers['the installation’s administrator'] = session(administrator.account, null)
  callers['the owner'] = session(owner.account, 'owner')
  for (const role of ['administrator', 'developer', 'viewer'] as const) {
    const person = await stage.signUp(role)
    await join(person, role)
    callers[`a member as ${role}`] = session(person.account, role)
  }
  const removed = await stage.signUp('removed')
  await join(removed, 'owner')
  await owner.call.organizations.removeMember({ organizationId, accountId: removed.account.accountId })
  callers['a removed owner'] = session(removed.account, null)
  const invited = await stage.signUp('invited')
  await owner.call.organizations.invite({ organizationId, email: invited.email, role: 'owner' })
  callers['one invited who has not accepted'] = session(invited.account, null)

  const elsewhere = await owner.call.organizations.create({ name: 'Elsewhere' })
  const token = async (name: string, scope: Partial<TokenScope>, reaches: Partial<Caller['reaches']>) => {
    const made = await owner.call.account.createToken({ name, access: 'write', ...scope } as never)
    const account = await stage.services.accounts.findToken(made.token)
    callers[name] = { account, role: 'owner', isSession: false, reaches: { ...EVERYWHERE, ...reaches } }
  }
  const nowhere = { account: false, organization: false, wholeOrganization: false, project: false }
  await token('a read token of the owner', { access: 'read' }, {})
  await token('a write token of the owner', {}, {})
  await token('a token of this organization', { organizationId }, { account: false })
  await token('a token of another organization', { organizationId: elsewhere.id }, nowhere)
  await token('a token of this project', { projectRefs: [project.ref] }, { account: false, wholeOrganization: false })
  await token('a token of another project', { projectRefs: [sibling.ref] }, { account: false, wholeOrganization: false, project: false })

  // What stands behind the doors of other parts is not asked here, only whether the door opens.
  const reached: unknown = new Proxy(() => {}, {
    get: () => reached,
    apply: () => Promise.reject(new ServiceError('system.busy')),
  })
  const services = {
    ...stage.services,
    projects: reached,
    projectSettings: reached,
    projectSecrets: reached,
    signingKeys: reached,
    operations: reached,
    savedLogQueries: reached,
    logExports: reached,
    adapters: reached,
    untilStopped: () => AbortSignal.abort(),
  }
  const createCaller = createCallerFactory(appRouter)
  callAs = (account) => createCaller({ ...stage.visit(account).context, services } as never)
  // No strict schema takes `unlisted`: whoever is let in gets `request.invalid`, before anything is changed.
  input = { organizationId, projectRef: project.ref, unlisted: true }
})
afterAll(() => stage[Symbol.asyncDispose]())

type Procedure = (typeof procedures)[number]

/** The code of the refusal that the tables ask for; null where the caller is to be let in. */
function expectedRefusal({ meta, type, target }: Procedure, { account, role, isSession, reaches }: Caller): string | null {
  const permission = meta?.permission
  if (permission === 'public') return null
  if (!account) return 'access.unauthenticated'
  if (permission === 'account' || permission === 'administrator') {
    const isWhole = isSession || (account.token?.access === 'write' && reaches.account)
    if (!isSession && meta?.isSessionOnly) return 'access.forbidden'
    if (type === 'mutation' && !isWhole) return 'access.forbidden'
    return permission === 'administrator' && !(account.isAdministrator && isWhole) ? 'access.forbidden' : null
  }
  const isInReach = target === 'project' ? reaches.project : reaches.organization
  if (!role || !isInReach) return `${target}.not_found`
  if (!mayDo(role, permission as Permission)) return 'access.forbidden'
  if (account.token?.access === 'read' && !isReading(permission as Permission)) return 'access.forbidden'
  return target === 'organization' && !reaches.wholeOrganization && permission !== 'organization.read' ? 'access.forbidden' : null
}

/** What only somebody who was let in is told: the input is wrong, or the marker of the resolver. */
const INSIDE = new Set(['request.invalid', 'system.busy'])

/** What really happens: the code of the refusal, or null for whoever is let in. */
async function findRefusal(procedure: Procedure, { account }: Caller): Promise<{ refusal: string | null; code: string | null }> {
  const { target } = procedure
  const given =
    target === 'project' ? { projectRef: input.projectRef } : target === 'organization' ? { organizationId: input.organizationId } : {}
  const call = procedure.path.split('.').reduce((caller, name) => (caller as Record<string, unknown>)[name], callAs(account)) as (
    given: object,
  ) => Promise<unknown>
  try {
    await call({ ...given, unlisted: true })
    return { refusal: null, code: null }
  } catch (error) {
    const code = String((error as { cause?: { code?: string } }).cause?.code)
    return { refusal: INSIDE.has(code) ? null : code, code }
  }
}

describe('the lists', () => {
  const paths = (wanted: (meta: ProcedureMeta) => boolean) =>
    procedures
      .filter(({ meta }) => meta && wanted(meta))
      .map(({ path }) => path)
      .toSorted()

  test('name every procedure that asks for no role', () => {
    expect(procedures.filter(({ meta }) => !meta).map(({ path }) => path)).toEqual([])
    expect(paths(({ permission }) => permission === 'public')).toEqual(PUBLIC)
    expect(paths(({ permission }) => permission === 'administrator')).toEqual(ADMINISTRATOR)
    expect(paths(({ permission }) => permission === 'account')).toEqual(ACCOUNT.toSorted())
    expect(paths(({ isSessionOnly }) => isSessionOnly === true)).toEqual(SESSION_ONLY)
  })

  test('leave no procedure without a target for its permission, and no permission without a procedure', () => {
    const roled = procedures.filter(({ meta }) => meta && meta.permission in PERMISSIONS)
    expect(roled.filter(({ target }) => !target).map(({ path }) => path)).toEqual([])
    expect(new Set(roled.map(({ meta }) => meta?.permission))).toEqual(new Set(Object.keys(PERMISSIONS)))
  })

  test('leave no answer without a schema', () => {
    expect(procedures.filter(({ type, hasOutput }) => type !== 'subscription' && !hasOutput).map(({ path }) => path)).toEqual([])
  })
})

describe.each(procedures)('$path', (procedure) => {
  test('lets in whom the table lets in, and refuses all others as it says', async () => {
    const expected: Record<string, string | null> = {}
    const found: Record<string, string | null> = {}
    for (const [name, caller] of Object.entries(callers)) {
      expected[name] = expectedRefusal(procedure, caller)
      const { refusal, code } = await findRefusal(procedure, caller)
      found[name] = refusal
      if (procedure.type === 'mutation' && refusal === null) expect([name, code]).toEqual([name, 'request.invalid'])
    }
    expect(found).toEqual(expected)
  })
})

test('a project or organization of others answers as one that is not there', async () => {
  const caller = callers['an owner elsewhere'] as Caller
  for (const procedure of procedures.filter(({ target }) => target)) {
    const path = procedure.path.split('.')
    const call = path.reduce((of, name) => (of as Record<string, unknown>)[name], callAs(caller.account)) as (
      given: object,
    ) => Promise<unknown>
    const answer = (given: object) =>
      call(given).then(
        () => 'let in',
        (error) => JSON.stringify([error.code, error.message, error.cause.code, error.cause.details, error.cause.hint]),
      )
    const theirs = await answer({ organizationId: input.organizationId, projectRef: input.projectRef })
    expect([procedure.path, theirs]).toEqual([
      procedure.path,
      await answer({ organizationId: crypto.randomUUID(), projectRef: 'nosuchproject' }),
    ])
  }
})
