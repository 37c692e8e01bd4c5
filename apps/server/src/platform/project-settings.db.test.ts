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
    services.projectSettings.update(owner.actor, ref, 'auth', { passwordMinLength: 9 }),
    services.projectSettings.update(owner.actor, ref, 'auth', { jwtExp: 60 }),
    services.projectSettings.update(owner.actor, ref, 'rest', { maxRows: null }),
  ])
  expect(await services.projectSettings.get(ref, 'auth')).toMatchObject({ passwordMinLength: 9, jwtExp: 60 })
  expect(await services.projectSettings.get(ref, 'rest')).toMatchObject({ maxRows: null })
})

test('a project that is not there has no settings', async () => {
  await expect(services.projectSettings.get('nosuchproject', 'rest')).rejects.toMatchObject({ code: 'project.not_found' })
  const update = services.projectSettings.update(owner.actor, 'nosuchproject', 'rest', { maxRows: 1 })
  await expect(update).rejects.toMatchObject({ code: 'project.not_found' })
})

test('secrets are served by every process, listed without their value, and can be taken away', async () => {
  const other = await server.start()
  await openProject(other)
  await services.projectSecrets.update(owner.actor, ref, { smtp_pass: 'whispered', security_captcha_secret: 'hushed' })
  const find = async (of = services) => (await openProject(of)).secrets.find('smtp_pass')
  for (const process of [services, other]) await expect.poll(() => find(process), { timeout: 1000 }).toBe('whispered')
  await services.projectSecrets.update(owner.actor, ref, { smtp_pass: null })
  await expect.poll(() => find(), { timeout: 1000 }).toBeUndefined()
  const listed = await services.projectSecrets.list(ref, ['smtp_pass', 'security_captcha_secret'])
  expect(listed).toEqual([
    { name: 'smtp_pass', updatedAt: null },
    { name: 'security_captcha_secret', updatedAt: expect.any(Date) },
  ])
  const { entries } = await services.projects.listAuditEntries(ref, { limit: 2 })
  expect(entries.map(({ details }) => details)).toEqual([{ changed: ['smtp_pass'] }, { changed: ['smtp_pass', 'security_captcha_secret'] }])
  expect(JSON.stringify([entries, listed, await openProject()])).not.toMatch(/whispered|hushed/)
})
