import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { client, expectCode, openTestAuth, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth

beforeAll(async () => void (at = await openTestAuth()))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

test('the inbox keeps the last 500 messages, page by page', async () => {
  for (let index = 0; index < 3; index += 1) await at.auth.sendTestMail(at.scopes.member(), `early-${index}@example.com`)
  const [one] = await at.auth.listInboxMessages(at.scopes.member(), { search: 'early' })
  await Promise.all(Array.from({ length: 498 }, (_, index) => at.auth.sendTestMail(at.scopes.member(), `late-${index}@example.com`)))
  // those that came at once did not see each other: the next one clears up
  await at.auth.sendTestMail(at.scopes.member(), 'last@example.com')
  const early = await at.auth.listInboxMessages(at.scopes.member(), { search: 'early' })
  expect(early.map(({ id }) => id)).toEqual([one!.id])
  const pages = []
  for (let before: string | undefined; ; before = pages.at(-1)!.at(-1)!.id) {
    const page = await at.auth.listInboxMessages(at.scopes.member(), { limit: 200, ...(before !== undefined && { before }) })
    if (page.length === 0) break
    pages.push(page)
  }
  expect(pages.map((page) => page.length)).toEqual([200, 200, 100])
  expect(new Set(pages.flat().map(({ id }) => id)).size).toBe(500)
})

test('is for members alone, whatever key an app has, and no role of the project reads it', async () => {
  await at.auth.sendTestMail(at.scopes.member(), 'secret@example.com')
  const [message] = await at.auth.listInboxMessages(at.scopes.member(), { search: 'secret' })
  for (const scope of [at.scopes.app(), at.scopes.app('service_role')]) {
    await expectCode(
      at.auth.listInboxMessages(scope, {}).then(() => {}),
      'auth.not_admin',
    )
    await expectCode(at.auth.getInboxMessage(scope, message!.id), 'auth.not_admin')
    await expectCode(at.auth.clearInbox(scope), 'auth.not_admin')
  }
  await expect(at.project.runAsOwner('select * from polder.inbox_messages')).rejects.toMatchObject({ code: '42501' })
})

test('a search is for text, not for a pattern', async () => {
  await at.auth.inviteUser(at.scopes.member(), { email: 'a_b@example.com', redirectTo: '', client })
  const find = (search: string) => at.auth.listInboxMessages(at.scopes.member(), { search })
  expect(await find('A_B@')).toHaveLength(1)
  for (const nothing of ['a%b', '\0', '\ud800', 'aXb@']) expect(await find(nothing), nothing).toEqual([])
})
