import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp, openPolder } from '../../server/platform.ts'
import { openDashboard, type Dashboard } from '../steps/open-dashboard.ts'

let dashboard: Dashboard
const cookies: Record<string, string> = {}

beforeAll(async () => {
  dashboard = await openDashboard()
  for (const name of ['first', 'second']) {
    const polder = await openPolder(`${name}@paint.test`)
    await createApp(polder, `Paint of the ${name}`)
    cookies[name] = await signIn(`${name}@paint.test`)
  }
})

afterAll(async () => {
  await dashboard[Symbol.asyncDispose]()
})

async function signIn(email: string): Promise<string> {
  const answer = await fetch(`${dashboard.url}/trpc/account.signIn`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: dashboard.url },
    body: JSON.stringify({ email, password: 'a long enough password' }),
  })
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
}

const readPage = (cookie: string) => fetch(`${dashboard.url}/projects`, { headers: { cookie }, redirect: 'manual' })

test('the project list arrives drawn, with the projects of who asked and of nobody else', async () => {
  const pages = await Promise.all(Object.values(cookies).map(async (cookie) => (await readPage(cookie)).text()))
  expect(pages.map((page) => /<a href="\/projects\/[a-z]{20}"/.test(page))).toEqual([true, true])
  expect(pages.map((page) => [page.includes('Paint of the first'), page.includes('Paint of the second')])).toEqual([
    [true, false],
    [false, true],
  ])
})

test('whoever is not signed in is sent to the sign-in page, and from there back', async () => {
  for (const cookie of ['', '__Host-polder_session=made-up']) {
    const answer = await readPage(cookie)
    expect([answer.status, answer.headers.get('location')]).toEqual([307, '/sign-in?next=%2Fprojects'])
  }
})

test('the browser takes the page over without asking again, and its keys work', async () => {
  const { page, context, url, complaints } = dashboard
  const [name, ...value] = cookies['first']!.split('=')
  await context.addCookies([
    { name: name!, value: value.join('='), url: url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' },
  ])
  const asked: string[] = []
  page.on('request', (request) => {
    if (request.url().includes('/trpc/')) asked.push(request.url())
  })
  await page.goto(`${url}/projects`)
  await page.waitForFunction(() => performance.getEntriesByName('polder:live').length > 0)
  await page.getByRole('link', { name: /Paint of the first/ }).waitFor()
  expect(asked.filter((address) => !address.includes('projects.watch'))).toEqual([])
  await page.keyboard.press('ControlOrMeta+K')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: /Paint of the first/ }).click()
  await page.getByRole('heading', { level: 1, name: 'Paint of the first' }).waitFor()
  expect(complaints).toEqual([])
})
