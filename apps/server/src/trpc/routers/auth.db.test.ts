import { createAuthAdapter } from '@polder/adapters/auth'
import type { MemberRole } from '@polder/core'
import { selectAuditEntries } from '@polder/db'
import type { TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Services } from '../../services.ts'
import { openTestStage, refusal, type TestStage } from '../testing/test-stage.ts'
import { createCallerFactory, router } from '../trpc.ts'
import { authRouter } from './auth.ts'

const createCaller = createCallerFactory(router({ auth: authRouter }))

let stage: TestStage
let project: TestProject
let developer: ReturnType<typeof createCaller>['auth']
let viewer: typeof developer
let stranger: typeof developer
let projectRef: string

beforeAll(async () => {
  stage = await openTestStage()
  project = await stage.cluster.createProject()
  projectRef = project.ref
  const services = { ...stage.services, adapters: { auth: createAuthAdapter() } } as unknown as Services
  const open = async (name: string, role?: MemberRole) => {
    const { account } = await stage.signUp(name)
    const member = { organization_id: stage.cluster.organizationId, account_id: account.accountId }
    if (role) await stage.cluster.platform.insertInto('members').values({ ...member, role }).execute() // prettier-ignore
    return createCaller({ ...stage.visit(account).context, services }).auth
  }
  developer = await open('developer', 'developer')
  viewer = await open('viewer', 'viewer')
  stranger = await open('stranger')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('members add, list and delete users; the audit log tells who', async () => {
  const user = await developer.createUser({
    projectRef,
    email: 'Ada@Example.com',
    password: 'correct horse',
    userMetadata: { name: 'Ada' },
  })
  expect(user).toMatchObject({ email: 'ada@example.com', emailConfirmedAt: expect.any(Date), userMetadata: { name: 'Ada' } })
  expect(Object.keys(user)).not.toContain('audience')
  expect(await viewer.listUsers({ projectRef, search: 'ADA@' })).toMatchObject({ total: 1, users: [{ id: user.id }] })
  await expect(developer.createUser({ projectRef, email: 'ada@example.com' })).rejects.toMatchObject(refusal('auth.email_exists'))
  expect(await developer.deleteUser({ projectRef, userId: user.id })).toEqual({})
  await expect(developer.deleteUser({ projectRef, userId: user.id })).rejects.toMatchObject(refusal('auth.user_not_found'))
  expect((await viewer.listUsers({ projectRef })).total).toBe(0)
  const entries = await selectAuditEntries(stage.cluster.platform, { ref: projectRef, limit: 10 })
  expect(entries.map(({ action, actor, target }) => [action, actor, target])).toEqual([
    ['user.delete', 'developer@example.com', user.id],
    ['user.create', 'developer@example.com', user.id],
  ])
})

test('viewers only look, and strangers find no project', async () => {
  await expect(viewer.createUser({ projectRef, email: 'a@example.com' })).rejects.toMatchObject(refusal('access.forbidden'))
  await expect(viewer.deleteUser({ projectRef, userId: stage.cluster.organizationId })).rejects.toMatchObject(refusal('access.forbidden'))
  await expect(stranger.listUsers({ projectRef })).rejects.toMatchObject(refusal('project.not_found'))
  await expect(stranger.createUser({ projectRef, email: 'a@example.com' })).rejects.toMatchObject(refusal('project.not_found'))
})

test('a user whom a seed gave any uuid is listed and deleted as others are', async () => {
  const userId = '00000000-0000-0000-0000-00000000000a'
  await project.runAsOwner(`insert into auth.users (id, email, created_at) values ('${userId}', 'seed@example.com', 'infinity')`)
  expect((await viewer.listUsers({ projectRef, search: userId })).total).toBe(1)
  await developer.deleteUser({ projectRef, userId })
})

test('input that is none', async () => {
  for (const input of [
    { email: '' },
    { email: 'x' },
    { email: 'a@b.de', password: '12345' },
    { email: 'a@b.de', password: 'x'.repeat(73) },
  ]) {
    await expect(developer.createUser({ projectRef, ...input })).rejects.toThrow()
  }
  const rest = { userMetadata: { a: '\0' } }
  await expect(developer.createUser({ projectRef, email: 'a@b.de', ...rest })).rejects.toMatchObject(refusal('auth.validation_failed'))
  for (const page of [0, -1, 1.5, Number.NaN, 1e9]) await expect(viewer.listUsers({ projectRef, page })).rejects.toThrow()
  await expect(developer.deleteUser({ projectRef, userId: "' or true --" })).rejects.toThrow()
  expect((await viewer.listUsers({ projectRef, search: '\0%_\\' })).total).toBe(0)
  expect((await viewer.listUsers({ projectRef })).total).toBe(0)
})
