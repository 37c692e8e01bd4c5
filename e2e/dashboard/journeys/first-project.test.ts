import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSupabase, type App } from '../../server/platform.ts'
import { openDashboard, type Dashboard } from '../steps/open-dashboard.ts'
import { createProject, runSql, signUp } from '../steps/use-dashboard.ts'

let dashboard: Dashboard
let app: App

beforeAll(async () => {
  dashboard = await openDashboard()
})

afterAll(async () => {
  await dashboard[Symbol.asyncDispose]()
})

test('a newcomer signs up and is shown what to do', async () => {
  const { page, url } = dashboard
  await page.goto(url)
  await page.waitForURL(/\/sign-(in|up)/)
  await dashboard.checkAccessibility()
  await signUp(dashboard, 'ada@dashboard.test', 'a long enough password')
  await page
    .getByText(/new project/i)
    .first()
    .waitFor()
  await dashboard.checkAccessibility()
})

test('and makes a project, whose URL and key go into an app', async () => {
  const { page } = dashboard
  app = await createProject(dashboard, 'Tea shop')
  await page.getByRole('tab', { name: 'URL and keys' }).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('project-home')
  const { data, error } = await openSupabase(app).auth.signUp({ email: 'customer@tea.test', password: 'correct horse' })
  expect(error).toBeNull()
  expect(data.user?.email).toBe('customer@tea.test')
})

test('loads a real schema in the SQL editor: one tab a statement, the error at its line', async () => {
  const { page } = dashboard
  await runSql(dashboard, app.ref, await readFile(new URL('../../schema/shop.sql', import.meta.url), 'utf8'))
  expect(await page.getByRole('tab', { name: 'Error' }).count()).toBe(0)
  await runSql(
    dashboard,
    app.ref,
    'select id, sku, title, price_cents, tags from products order by id;\nselect category_id, count(*), null as nothing from products group by 1',
  )
  const results = page.getByRole('tablist', { name: 'Results' })
  await expect.poll(() => results.getByRole('tab').count()).toBe(2)
  await results.getByRole('tab').first().click()
  await page.getByText('1,000 of 5,000').waitFor()
  await page.getByRole('grid').getByText('SKU-000001').waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('sql-editor')
  await runSql(dashboard, app.ref, 'select 1;\nselect nothing_like_it from products')
  await page.getByRole('tab', { name: 'Error' }).waitFor()
  await page
    .getByText(/column "nothing_like_it" does not exist/)
    .first()
    .waitFor()
  await page
    .getByText(/line 2/i)
    .first()
    .waitFor()
})

test('an app sees the rows at once, under row security', async () => {
  const { data, count } = await openSupabase(app).from('products').select('sku', { count: 'exact' }).order('id').limit(1)
  expect(data).toEqual([{ sku: 'SKU-000001' }])
  expect(count).toBe(4750)
})

test('finds the tables and reads their rows', async () => {
  const { page, url } = dashboard
  await page.goto(`${url}/projects/${app.ref}/database/tables`)
  await page.getByRole('link', { name: 'products' }).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('tables')
  await page.getByRole('link', { name: 'products' }).click()
  await page.getByRole('grid').getByText('SKU-000001').waitFor()
  await page.getByText(/5,000/).first().waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('table-rows')
})

test('sees, adds and deletes users', async () => {
  const { page, url } = dashboard
  await page.goto(`${url}/projects/${app.ref}/auth`)
  await page.getByText('customer@tea.test').first().waitFor()
  await page.getByRole('button', { name: 'Add user' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail').fill('second@tea.test')
  await dialog.getByRole('textbox', { name: /^Password/ }).fill('made in the dashboard')
  await dialog.getByRole('button', { name: 'Add user' }).click()
  await page.getByText('second@tea.test').first().waitFor()
  expect(
    (await openSupabase(app).auth.signInWithPassword({ email: 'second@tea.test', password: 'made in the dashboard' })).error,
  ).toBeNull()
  await dashboard.checkAccessibility()
  await dashboard.picture('users')
  await page.getByRole('button', { name: 'Delete second@tea.test' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete user' }).click()
  await expect.poll(() => page.getByRole('row').filter({ hasText: 'second@tea.test' }).count()).toBe(0)
  expect(
    (await openSupabase(app).auth.signInWithPassword({ email: 'second@tea.test', password: 'made in the dashboard' })).error,
  ).not.toBeNull()
})

test.each([
  ['the project list', '/projects', 'projects'],
  ['a new project', '/projects/new', 'new-project'],
  ['its settings', '/projects/:ref/settings', 'settings'],
  ['its audit log', '/projects/:ref/audit', 'audit'],
  ['the account', '/account', 'account'],
  ['the sessions', '/account/sessions', 'sessions'],
  ['the access tokens', '/account/tokens', 'tokens'],
])('%s can be read by everybody, light, dark and narrow', async (_, path, name) => {
  const { page, url } = dashboard
  await page.goto(url + path.replace(':ref', app.ref))
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await dashboard.checkAccessibility()
  await dashboard.picture(name)
})

test('the members of the organization, and an invitation shown once', async () => {
  const { page, url } = dashboard
  await page.goto(`${url}/projects`)
  const answer = await page.request.get(`${url}/trpc/organizations.list`)
  const { result } = (await answer.json()) as { result: { data: { id: string }[] } }
  await page.goto(`${url}/organizations/${result.data[0]!.id}`)
  await page.getByText('ada@dashboard.test').first().waitFor()
  await page.getByRole('button', { name: 'Invite' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail').fill('bob@dashboard.test')
  await dialog.getByRole('button', { name: 'Make the link' }).click()
  await dialog.getByText(`${url}/invitations/`).first().waitFor()
  await dashboard.checkAccessibility()
  await dialog.getByRole('button', { name: 'Done' }).click()
  await page.getByText('bob@dashboard.test').first().waitFor()
  await dashboard.picture('members')
})

test('deletes the project by typing its name', async () => {
  const { page, url } = dashboard
  await page.goto(`${url}/projects/${app.ref}/settings`)
  await page.getByRole('button', { name: /^Delete project/ }).click()
  const dialog = page.getByRole('dialog')
  const button = dialog.getByRole('button', { name: 'Delete for good' })
  expect(await button.isDisabled()).toBe(true)
  await dialog.getByRole('textbox').fill('Tea shop')
  await button.click()
  await page.waitForURL('**/projects')
  await expect
    .poll(async () => (await fetch(`${app.url}/rest/v1/`, { headers: { apikey: app.anonKey } })).status, { timeout: 10_000 })
    .toBe(404)
})

test('no page complained, and none asked another host for anything', () => {
  expect(dashboard.complaints).toEqual([])
})
