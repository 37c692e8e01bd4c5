import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'
import type { Services } from '../services.ts'

let server: TestServer
let services: Services
let owner: TestAccount

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  owner = await server.createAccount('owner')
})
afterAll(() => server[Symbol.asyncDispose]())

const input = (name: string) => ({ organizationId: server.cluster.organizationId, name })

async function create(name: string, more: { databasePassword?: string } = {}) {
  const { project, operation } = await services.projects.create(owner.actor, { ...input(name), ...more })
  const ended = await services.operations.wait(owner.account, operation.id, 20_000, services.untilStopped())
  expect(ended).toMatchObject({ status: 'succeeded', error: null })
  return { ref: project.ref, operation: ended }
}

async function openAsApp(ref: string, apiKey: string) {
  return services.router.getConnection(await services.router.validateProjectAccess(ref, { kind: 'app', apiKey, authorization: undefined }))
}

describe('creating a project', () => {
  test('ends with a project that its public key opens, and shows every step', async () => {
    const { ref, operation } = await create('First')
    expect(ref).toMatch(/^[a-z]{20}$/)
    expect(operation.steps.map(({ name, status }) => [name, status])).toEqual(
      ['secrets', 'roles', 'database', 'folders', 'keys', 'access', 'router', 'privileges', 'first_user', 'probe'].map((name) => [
        name,
        'done',
      ]),
    )
    for (const step of operation.steps) expect(step.finishedAt!.getTime()).toBeGreaterThanOrEqual(step.startedAt!.getTime())
    const connection = await services.projects.getConnection(ref)
    expect((await openAsApp(ref, connection.anonKey)).caller).toMatchObject({ role: 'anon' })
    expect((await openAsApp(ref, connection.publishableKey)).caller).toMatchObject({ role: 'anon' })
    expect(connection).toMatchObject({
      url: `http://localhost:8000/projects/${ref}`,
      database: { name: `project_${ref}`, user: `project_${ref}_owner` },
    })
    expect(await services.projects.get(ref)).toMatchObject({ status: 'active', statusReason: null, retryable: false })
  })

  test('gives the first user the owner’s e-mail, and their password to one person', async () => {
    const { ref } = await create('With a user')
    const takers = await Promise.allSettled(Array.from({ length: 5 }, () => services.projects.takeFirstUserPassword(owner.actor, ref)))
    const taken = takers.filter((result) => result.status === 'fulfilled')
    expect(taken).toHaveLength(1)
    const { email, password } = taken[0]!.value
    expect(email).toBe(owner.account.email)
    expect(password).toHaveLength(16)
    for (const result of takers) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'project.first_user_taken' })
    const { anonKey } = await services.projects.getConnection(ref)
    const session = await services.adapters.auth.signIn(await openAsApp(ref, anonKey), {
      email,
      password,
      client: { ip: null, userAgent: null },
    })
    expect(session.user.email).toBe(email)
  })

  test('takes the database password that a person chose', async () => {
    const databasePassword = 'it\'s a \\ long "password" $1 ü'
    const { ref } = await create('Own password', { databasePassword })
    expect(await services.projects.revealSecret(owner.actor, ref, 'database_password')).toEqual({ value: databasePassword })
    const entries = await services.projects.listAuditEntries(ref, { limit: 10 })
    expect(entries.entries.map(({ action }) => action)).toEqual(['project.reveal_secret', 'project.create'])
    expect(JSON.stringify(entries)).not.toContain('long')
  })

  test('twenty at once all succeed, each with secrets of its own', { timeout: 120_000 }, async () => {
    const made = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const { project, operation } = await services.projects.create(owner.actor, input(`Twenty ${index}`))
        const ended = await services.operations.wait(owner.account, operation.id, 100_000, services.untilStopped())
        return { ref: project.ref, status: ended.status, error: ended.error }
      }),
    )
    expect(made.filter(({ status }) => status !== 'succeeded')).toEqual([])
    const keys = await Promise.all(made.map(async ({ ref }) => (await services.projects.getConnection(ref)).anonKey))
    expect(new Set(keys).size).toBe(20)
    // no key opens another's project
    await expect(openAsApp(made[0]!.ref, keys[1]!)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })

  test('refuses a cluster that is not there', async () => {
    await expect(
      services.projects.create(owner.actor, { ...input('x'), clusterId: '00000000-0000-4000-8000-000000000000' }),
    ).rejects.toMatchObject({
      code: 'project.cluster_not_found',
    })
  })
})

describe('a project', () => {
  test('is renamed, and its audit log says so', async () => {
    const { ref } = await create('Before')
    expect(await services.projects.rename(owner.actor, ref, 'After')).toMatchObject({ name: 'After' })
    const { entries } = await services.projects.listAuditEntries(ref, { limit: 1 })
    expect(entries[0]).toMatchObject({ action: 'project.rename', target: 'After', details: { from: 'Before' } })
  })

  test('is transferred between organizations of one owner, and to nobody else’s', async () => {
    const { ref } = await create('Moving')
    const mine = await services.organizations.createOrganization(owner.actor, { name: 'Mine too' })
    const stranger = await server.createAccount('viewer')
    const theirs = await services.organizations.createOrganization(stranger.actor, { name: 'Theirs' })
    const move = (organizationId: string) => services.projects.transfer(owner.actor, owner.account, ref, organizationId)
    await expect(move(theirs.id)).rejects.toMatchObject({ code: 'organization.not_found' })
    expect(await move(mine.id)).toMatchObject({ organizationId: mine.id })
    expect((await services.projects.list(owner.account, mine.id)).map((project) => project.ref)).toEqual([ref])
    expect((await services.projects.list(stranger.account)).map((project) => project.ref)).not.toContain(ref)
  })

  test('of an older ledger is migrated before its first request, and that is written down', async () => {
    const { ref } = await create('Older')
    const { anonKey } = await services.projects.getConnection(ref)
    const { platform } = server.cluster
    await platform.updateTable('projects').set({ ledger: 'older' }).where('ref', '=', ref).execute()
    await services.events.publish({ type: 'project_changed', ref })
    expect((await openAsApp(ref, anonKey)).ref).toBe(ref)
    const { ledger } = await platform.selectFrom('projects').select('ledger').where('ref', '=', ref).executeTakeFirstOrThrow()
    expect(ledger).toBe(server.cluster.provisioner.ledger)
  })

  test('is deleted when its name is typed, leaves nothing, and its ref is never given again', async () => {
    const { ref } = await create('Doomed')
    const { anonKey } = await services.projects.getConnection(ref)
    await openAsApp(ref, anonKey)
    await expect(services.projects.delete(owner.actor, ref, 'doomed')).rejects.toMatchObject({ code: 'project.name_mismatch' })
    expect(await server.listTraces(ref)).toHaveLength(7)
    const operation = await services.projects.delete(owner.actor, ref, 'Doomed')
    await expect(services.projects.delete(owner.actor, ref, 'Doomed')).rejects.toMatchObject({
      code: expect.stringMatching(/busy|not_found/),
    })
    expect(await services.operations.wait(owner.account, operation.id, 20_000, services.untilStopped())).toMatchObject({
      status: 'succeeded',
    })
    expect(await server.listTraces(ref)).toEqual([])
    await expect(openAsApp(ref, anonKey)).rejects.toMatchObject({ code: 'project.not_found' })
    await expect(services.projects.get(ref)).rejects.toMatchObject({ code: 'project.not_found' })
    const { platform } = server.cluster
    expect(await platform.selectFrom('retired_refs').select('ref').where('ref', '=', ref).execute()).toHaveLength(1)
    expect(await platform.selectFrom('project_secrets').select('name').where('ref', '=', ref).execute()).toEqual([])
    // its operations can still be looked at by those who could before
    expect((await services.operations.get(owner.account, operation.id)).status).toBe('succeeded')
  })
})

describe('operations', () => {
  test('are nobody else’s business: not theirs is the same as not there', async () => {
    const { operation } = await create('Private')
    const organization = await services.organizations.createOrganization((await server.createAccount('viewer')).actor, {
      name: 'Elsewhere',
    })
    const outsider = await server.createAccount('owner', organization.id)
    const [notYours, notThere] = await Promise.all(
      [operation.id, '00000000-0000-4000-8000-000000000000'].map((id) =>
        services.operations.get(outsider.account, id).catch((error: Error) => error),
      ),
    )
    expect(JSON.stringify(notYours)).toBe(JSON.stringify(notThere))
    expect(notYours).toMatchObject({ code: 'operation.not_found' })
  })

  test('can be watched step by step until they end', async () => {
    const { operation } = await services.projects.create(owner.actor, input('Watched'))
    const seen: string[] = []
    for await (const next of services.operations.watch(owner.account, operation.id, services.untilStopped())) seen.push(next.status)
    expect(seen.at(-1)).toBe('succeeded')
  })

  test('waiting ends with the time given', async () => {
    const { project, operation } = await services.projects.create(owner.actor, input('Waited'))
    const start = performance.now()
    await services.operations.wait(owner.account, operation.id, 1, services.untilStopped())
    expect(performance.now() - start).toBeLessThan(2000)
    await untilEnded(server, project.ref)
  })
})
