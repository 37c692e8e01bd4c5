import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'
import type { Services } from '../services.ts'

let server: TestServer
let services: Services
let owner: TestAccount
let ref: string

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  owner = await server.createAccount('owner')
  ref = (await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'Settings' })).project.ref
  await untilEnded(server, ref)
})
afterAll(() => server[Symbol.asyncDispose]())

const openProject = async (of = services) => {
  const { anonKey } = await services.projects.getConnection(ref)
  return of.router.getConnection(await of.router.validateProjectAccess(ref, { kind: 'app', apiKey: anonKey, authorization: undefined }))
}

test('a new project has the defaults, and stores none of them', async () => {
  expect(await services.projectSettings.get(ref, 'rest')).toMatchObject({ schemas: ['public'], maxRows: 1000 })
  const row = await server.cluster.platform.selectFrom('projects').select('settings').where('ref', '=', ref).executeTakeFirstOrThrow()
  expect(row.settings).toEqual({})
})

test('a change is served by every process at once, keeps what it does not name, and stands in the audit log without its value', async () => {
  const other = await server.start()
  await openProject(other)
  await services.projectSettings.update(owner.actor, ref, 'rest', { maxRows: 7 })
  const answer = await services.projectSettings.update(owner.actor, ref, 'rest', { schemas: ['public', 'secretly'] })
  expect(answer).toMatchObject({ maxRows: 7, schemas: ['public', 'secretly'], transactionEnd: 'commit' })
  expect((await openProject()).configuration.rest).toEqual(answer)
  await expect.poll(async () => (await openProject(other)).configuration.rest, { timeout: 1000 }).toEqual(answer)
  const { entries } = await services.projects.listAuditEntries(ref, { limit: 1 })
  expect(entries[0]).toMatchObject({ action: 'settings.update', target: 'rest', details: { service: 'rest', changed: ['schemas'] } })
  expect(JSON.stringify(entries)).not.toContain('secretly')
})

test('of two changes at the same time none is lost', async () => {
  await Promise.all([
    services.projectSettings.update(owner.actor, ref, 'auth', { minPasswordLength: 9 }),
    services.projectSettings.update(owner.actor, ref, 'auth', { accessTokenSeconds: 60 }),
    services.projectSettings.update(owner.actor, ref, 'rest', { maxRows: null }),
  ])
  expect(await services.projectSettings.get(ref, 'auth')).toMatchObject({ minPasswordLength: 9, accessTokenSeconds: 60 })
  expect(await services.projectSettings.get(ref, 'rest')).toMatchObject({ maxRows: null })
})

test('a project that is not there has no settings', async () => {
  await expect(services.projectSettings.get('nosuchproject', 'rest')).rejects.toMatchObject({ code: 'project.not_found' })
  const update = services.projectSettings.update(owner.actor, 'nosuchproject', 'rest', { maxRows: 1 })
  await expect(update).rejects.toMatchObject({ code: 'project.not_found' })
})
