import { randomUUID } from 'node:crypto'
import { isServiceError, PERMISSIONS, type AccessRequest, type MemberRole, type Permission, type ProjectAccess } from '@polder/core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createConnectionPoolManager } from './pool-manager.ts'
import { createServiceRouter, type ServiceRouterOptions } from './service-router.ts'
import { openTestCluster, type TestCluster, type TestProject } from './testing/test-cluster.ts'

let cluster: TestCluster
let project: TestProject
let other: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  ;[project, other] = await Promise.all([cluster.createProject(), cluster.createProject()])
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const WHO = {
  text: `select current_user, current_setting('request.jwt.claims'), current_database()`,
  values: [],
  isReadOnly: true,
  request: { method: 'GET', path: '/', headers: '{}', cookies: '{}' },
  searchPath: ['public'],
}

async function open(ref: string, apiKey?: string, authorization?: string) {
  const request: AccessRequest = { kind: 'app', apiKey, authorization }
  return await cluster.router.getConnection(await cluster.router.validateProjectAccess(ref, request))
}

function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: unknown) => (isServiceError(error) ? error.code : String(error)),
  )
}

async function makeMember(role: MemberRole): Promise<string> {
  const accountId = randomUUID()
  await cluster.platform
    .insertInto('accounts')
    .values({ id: accountId, email: `${accountId}@example.com`, password_hash: '', disabled_at: null })
    .execute()
  await cluster.platform.insertInto('members').values({ organization_id: cluster.organizationId, account_id: accountId, role }).execute()
  return accountId
}

/** A second server process, as far as the router can tell. */
function makeRouter(options: Partial<ServiceRouterOptions> = {}) {
  const { platform, box, events, address, publicUrl, provisioner } = cluster
  const pools = createConnectionPoolManager({ observe: () => {} })
  const router = createServiceRouter({
    ...{ platform, box, pools, events, publicUrl, ledger: provisioner.ledger, addressOf: () => address },
    ...{ ensureMigrated: async () => {}, observe: () => {} },
    ...options,
  })
  return {
    router,
    [Symbol.asyncDispose]: async () => {
      router.close()
      await pools.end()
    },
  }
}

test('every key opens the project as its role; the database sees role and claims', async () => {
  const { anonKey, publishableKey, serviceRoleKey, secretKey } = project.keys
  const token = (await project.scope('service_role')).tokens.sign({ role: 'authenticated', sub: 'u', exp: 4e9 })
  const cases: [apiKey: string | undefined, authorization: string | undefined, role: string, hasUserToken: boolean][] = [
    [anonKey, undefined, 'anon', false],
    [publishableKey, undefined, 'anon', false],
    [serviceRoleKey, undefined, 'service_role', false],
    [secretKey, undefined, 'service_role', false],
    [anonKey, '', 'anon', false],
    [anonKey, `Bearer ${anonKey}`, 'anon', false],
    [publishableKey, `Bearer ${publishableKey}`, 'anon', false],
    [publishableKey, `Bearer ${anonKey}`, 'anon', false],
    [anonKey, `Bearer ${serviceRoleKey}`, 'service_role', false],
    [anonKey, `Bearer ${token}`, 'authenticated', true],
    [publishableKey, `bEARER   ${token} `, 'authenticated', true],
    [secretKey, `Bearer ${token}`, 'authenticated', true],
    [undefined, `Bearer ${token}`, 'authenticated', true],
    [undefined, `Bearer ${anonKey}`, 'anon', false],
    [undefined, `Bearer ${secretKey}`, 'service_role', false],
    [anonKey, 'Basic dXNlcjpwYXNz', 'anon', false],
  ]
  for (const [apiKey, authorization, role, hasUserToken] of [...cases, ...cases]) {
    const scope = await open(project.ref, apiKey, authorization)
    expect(scope.caller).toMatchObject({ kind: 'app', role, hasUserToken })
    const { rows } = await scope.db.asCaller(WHO)
    const [user, claims, database] = rows[0]!.map((value) => value!.toString())
    expect([user, database]).toEqual([role, `project_${project.ref}`])
    expect(JSON.parse(claims!)).toMatchObject({ role })
  }
  // the same credentials are checked once, and give the same scope
  expect(await open(project.ref, anonKey, `Bearer ${token}`)).toBe(await open(project.ref, anonKey, `Bearer ${token}`))
})

test('missing, wrong and foreign credentials are refused, and a wrong token is never less than refused', async () => {
  const { anonKey, serviceRoleKey } = project.keys
  const foreign = (await other.scope()).tokens.sign({ role: 'service_role', exp: 4e9 })
  const expired = (await project.scope()).tokens.sign({ role: 'authenticated', exp: 1_000 })
  const cases: [apiKey: string | undefined, authorization: string | undefined, code: string][] = [
    [undefined, undefined, 'access.key_missing'],
    ['', '', 'access.key_missing'],
    [undefined, 'Basic dXNlcjpwYXNz', 'access.key_missing'],
    ['nonsense', undefined, 'access.key_invalid'],
    [`${anonKey} `, undefined, 'access.key_invalid'],
    [`${anonKey}\n`, undefined, 'access.key_invalid'],
    ['sb_secret_', undefined, 'access.key_invalid'],
    [`${project.keys.secretKey}x`, undefined, 'access.key_invalid'],
    [other.keys.secretKey, undefined, 'access.key_invalid'],
    [other.keys.serviceRoleKey, undefined, 'access.key_invalid'],
    [foreign, undefined, 'access.key_invalid'],
    [expired, undefined, 'access.key_invalid'],
    [other.keys.anonKey, `Bearer ${serviceRoleKey}`, 'access.key_invalid'],
    [anonKey, 'Bearer', 'access.jwt_invalid'],
    [anonKey, 'Bearer ', 'access.jwt_invalid'],
    [anonKey, 'Bearer null', 'access.jwt_invalid'],
    [anonKey, `Bearer ${foreign}`, 'access.jwt_invalid'],
    [serviceRoleKey, `Bearer ${foreign}`, 'access.jwt_invalid'],
    [anonKey, `Bearer ${other.keys.secretKey}`, 'access.key_invalid'],
    [anonKey, `Bearer ${expired}`, 'access.jwt_expired'],
    [serviceRoleKey, `Bearer ${expired}`, 'access.jwt_expired'],
    [undefined, `Bearer ${foreign}`, 'access.jwt_invalid'],
  ]
  for (const [apiKey, authorization, code] of [...cases, ...cases])
    expect(await codeOf(open(project.ref, apiKey, authorization)), `${apiKey} ${authorization}`).toBe(code)
})

test('no such project, whatever it is called', async () => {
  for (const ref of [
    'nosuchproject',
    '',
    'UPPER',
    '__proto__',
    'constructor',
    '../x',
    'a'.repeat(300),
    `${project.ref}\0`,
    `${project.ref} `,
    'ä',
  ]) {
    expect(await codeOf(open(ref, project.keys.anonKey))).toBe('project.not_found')
    const access = cluster.router.validateProjectAccess(ref, { kind: 'member', accountId: randomUUID(), permission: 'project.read' })
    expect(await codeOf(access)).toBe('project.not_found')
  }
})

test('a member may do what the table says for the role, and no more', async () => {
  for (const role of ['owner', 'administrator', 'developer', 'viewer'] as const) {
    const accountId = await makeMember(role)
    for (const permission of Object.keys(PERMISSIONS) as Permission[]) {
      const access = cluster.router.validateProjectAccess(project.ref, { kind: 'member', accountId, permission })
      const may = (PERMISSIONS[permission] as readonly MemberRole[]).includes(role)
      expect(await codeOf(access), `${role} ${permission}`).toBe(may ? 'none' : 'access.forbidden')
    }
  }
})

test('a member who is removed or disabled, or is of another organization, finds no project', async () => {
  const accountId = await makeMember('owner')
  const check = (id: string) =>
    codeOf(cluster.router.validateProjectAccess(project.ref, { kind: 'member', accountId: id, permission: 'project.read' }))
  expect(await check(accountId)).toBe('none')
  await cluster.platform.updateTable('accounts').set({ disabled_at: new Date() }).where('id', '=', accountId).execute()
  expect(await check(accountId)).toBe('project.not_found')
  await cluster.platform.updateTable('accounts').set({ disabled_at: null }).where('id', '=', accountId).execute()
  await cluster.platform.deleteFrom('members').where('account_id', '=', accountId).execute()
  expect(await check(accountId)).toBe('project.not_found')
  expect(await check(randomUUID())).toBe('project.not_found')
})

test('an access token narrows what its account may do', async () => {
  const accountId = await makeMember('owner')
  type Token = NonNullable<Extract<AccessRequest, { kind: 'member' }>['token']>
  const check = (permission: Permission, token: Partial<Token>) => {
    const whole: Token = { id: randomUUID(), access: 'write', organizationId: null, projectRefs: null, ...token }
    return codeOf(cluster.router.validateProjectAccess(project.ref, { kind: 'member', accountId, permission, token: whole }))
  }
  expect(await check('project.delete', {})).toBe('none')
  expect(await check('project.read', { access: 'read' })).toBe('none')
  expect(await check('database.execute', { access: 'read' })).toBe('access.forbidden')
  expect(await check('project.reveal', { access: 'read' })).toBe('access.forbidden')
  expect(await check('project.read', { organizationId: cluster.organizationId })).toBe('none')
  expect(await check('project.read', { organizationId: randomUUID() })).toBe('project.not_found')
  expect(await check('project.read', { projectRefs: [other.ref] })).toBe('project.not_found')
  expect(await check('project.read', { projectRefs: [] })).toBe('project.not_found')
  expect(await check('project.read', { projectRefs: [project.ref, other.ref] })).toBe('none')
})

test('a project that is not active serves no app; a member gets proof of access, but no connection', async () => {
  const paused = await cluster.createProject()
  const accountId = await makeMember('owner')
  expect(await codeOf(open(paused.ref, paused.keys.anonKey))).toBe('none')
  for (const status of ['paused', 'failed', 'deleting', 'provisioning'] as const) {
    await cluster.platform.updateTable('projects').set({ status }).where('ref', '=', paused.ref).execute()
    await cluster.router.registerProject(paused.ref)
    const refused = cluster.router.validateProjectAccess(paused.ref, { kind: 'app', apiKey: paused.keys.anonKey, authorization: undefined })
    await expect(refused).rejects.toMatchObject({ code: 'project.not_active', details: { status } })
    const access = await cluster.router.validateProjectAccess(paused.ref, { kind: 'member', accountId, permission: 'project.delete' })
    expect(await codeOf(cluster.router.getConnection(access))).toBe('project.not_active')
  }
  await cluster.platform.updateTable('projects').set({ status: 'active' }).where('ref', '=', paused.ref).execute()
  await cluster.router.registerProject(paused.ref)
  expect(await codeOf(open(paused.ref, paused.keys.anonKey))).toBe('none')
})

test('an access that no router made opens nothing', async () => {
  const forged = { ref: project.ref, caller: { kind: 'app', role: 'service_role' } } as unknown as ProjectAccess
  expect(await codeOf(cluster.router.getConnection(forged))).toBe('system.unexpected')
  const real = await cluster.router.validateProjectAccess(project.ref, {
    kind: 'app',
    apiKey: project.keys.anonKey,
    authorization: undefined,
  })
  expect(await codeOf(cluster.router.getConnection({ ...real }))).toBe('system.unexpected')
})

test('a project is loaded once for all who ask, migrated first where it is behind, and looked up again when it changed', async () => {
  const behind = await cluster.createProject()
  await cluster.platform.updateTable('projects').set({ ledger: 'older' }).where('ref', '=', behind.ref).execute()
  const migrated: string[] = []
  const ensureMigrated = async (ref: string) => {
    migrated.push(ref)
    if (migrated.length === 1) throw new Error('no luck')
    await cluster.platform.updateTable('projects').set({ ledger: cluster.provisioner.ledger }).where('ref', '=', ref).execute()
  }
  await using second = makeRouter({ ensureMigrated })
  const ask = () =>
    codeOf(second.router.validateProjectAccess(behind.ref, { kind: 'app', apiKey: behind.keys.anonKey, authorization: undefined }))
  expect(await ask()).toBe('Error: no luck')
  expect(await Promise.all(Array.from({ length: 20 }, ask))).toEqual(Array.from({ length: 20 }, () => 'none'))
  expect(migrated).toEqual([behind.ref, behind.ref])
  // a change that another process publishes is seen here
  await cluster.platform.updateTable('projects').set({ status: 'paused' }).where('ref', '=', behind.ref).execute()
  expect(await ask()).toBe('none')
  await cluster.router.registerProject(behind.ref)
  expect(await ask()).toBe('project.not_active')
})

test('a project that appears is found after its event, and one that is removed is closed', async () => {
  const ref = 'appearsinamomentabcd'
  expect(await codeOf(open(ref, 'x'))).toBe('project.not_found')
  const late = await cluster.createProject({ ref })
  expect(await codeOf(open(ref, late.keys.anonKey))).toBe('project.not_found')
  await cluster.router.registerProject(late.ref)
  const scope = await open(ref, late.keys.anonKey)
  await scope.db.asCaller(WHO)
  expect(cluster.router.statistics().pools.get(ref)?.open).toBe(1)
  await cluster.platform.deleteFrom('projects').where('ref', '=', ref).execute()
  await cluster.router.unregisterProject(late.ref)
  expect(cluster.router.statistics().pools.get(ref)).toBeUndefined()
  expect(await codeOf(open(ref, late.keys.anonKey))).toBe('project.not_found')
})

test('no more projects are kept than may be', async () => {
  await using small = makeRouter({ maxProjects: 1 })
  for (const each of [project, other, project, other]) {
    await small.router.validateProjectAccess(each.ref, { kind: 'app', apiKey: each.keys.anonKey, authorization: undefined })
    expect(small.router.statistics().cachedProjects).toBe(1)
  }
})

test('while no news arrive, what is known is believed for a moment only; a resync makes it look again', async () => {
  const deaf = await cluster.createProject()
  const listeners: ((event: { type: 'resync' }) => void)[] = []
  const events = {
    ...cluster.events,
    isConnected: false,
    subscribe: (listener: (event: { type: 'resync' }) => void) => (listeners.push(listener), () => {}),
  }
  await using second = makeRouter({ events })
  const ask = () =>
    codeOf(second.router.validateProjectAccess(deaf.ref, { kind: 'app', apiKey: deaf.keys.anonKey, authorization: undefined }))
  const become = (status: 'paused' | 'active') =>
    cluster.platform.updateTable('projects').set({ status }).where('ref', '=', deaf.ref).execute()
  expect(await ask()).toBe('none')
  await become('paused')
  expect(await ask()).toBe('none')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_500 })
  try {
    expect(await ask()).toBe('project.not_active')
    await become('active')
    expect(await ask()).toBe('project.not_active')
    for (const listener of listeners) listener({ type: 'resync' })
    expect(await ask()).toBe('none')
  } finally {
    vi.useRealTimers()
  }
})
