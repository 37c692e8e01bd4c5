import { selectAuditEntries } from '@polder/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAuthStage, type AuthCaller, type AuthStage } from '../testing/auth-stage.ts'
import { refusal } from '../testing/test-stage.ts'

let at: AuthStage
let developer: AuthCaller
let viewer: AuthCaller
let stranger: AuthCaller
let projectRef: string

beforeAll(async () => {
  at = await openAuthStage()
  projectRef = at.project.ref
  developer = await at.open('developer', 'developer')
  viewer = await at.open('viewer', 'viewer')
  stranger = await at.open('stranger')
})
afterAll(() => at?.[Symbol.asyncDispose]())

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
  const entries = await selectAuditEntries(at.stage.cluster.platform, { ref: projectRef, limit: 10 })
  expect(entries.map(({ action, actor, target }) => [action, actor, target])).toEqual([
    ['user.delete', 'developer@example.com', user.id],
    ['user.create', 'developer@example.com', user.id],
  ])
})

test('viewers only look, and strangers find no project', async () => {
  await expect(viewer.createUser({ projectRef, email: 'a@example.com' })).rejects.toMatchObject(refusal('access.forbidden'))
  await expect(viewer.deleteUser({ projectRef, userId: at.stage.cluster.organizationId })).rejects.toMatchObject(
    refusal('access.forbidden'),
  )
  await expect(stranger.listUsers({ projectRef })).rejects.toMatchObject(refusal('project.not_found'))
  await expect(stranger.createUser({ projectRef, email: 'a@example.com' })).rejects.toMatchObject(refusal('project.not_found'))
})

test('a user whom a seed gave any uuid is listed and deleted as others are', async () => {
  const userId = '00000000-0000-0000-0000-00000000000a'
  await at.project.runAsOwner(`insert into auth.users (id, email, created_at) values ('${userId}', 'seed@example.com', 'infinity')`)
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
