import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSupabase, type App } from '../../server/platform.ts'
import { openDashboard, type Dashboard } from '../steps/open-dashboard.ts'
import { createProject, signUp } from '../steps/use-dashboard.ts'

let dashboard: Dashboard
let app: App

beforeAll(async () => {
  dashboard = await openDashboard()
  await signUp(dashboard, 'grace@dashboard.test', 'a long enough password')
  app = await createProject(dashboard, 'Function shop')
})

afterAll(async () => {
  await dashboard[Symbol.asyncDispose]()
})

const open = (path = '') => dashboard.page.goto(`${dashboard.url}/projects/${app.ref}/functions${path}`)
const invoke = async () => (await openSupabase(app).functions.invoke('hello', { body: { name: 'Ada' } })).data as { message?: string }

/** Puts a text into the editor in place of what stands there. */
async function write(code: string) {
  const { page } = dashboard
  await page.locator('.cm-content').click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.insertText(code)
}

test('a member makes a function, which answers apps at once', async () => {
  const { page } = dashboard
  await open()
  await page.getByText('No function yet').waitFor()
  await dashboard.checkAccessibility()
  await page.getByRole('button', { name: 'New function' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('hello')
  await dashboard.checkAccessibility()
  await dialog.getByRole('button', { name: 'Create function' }).click()
  await page.getByRole('heading', { level: 1, name: 'hello' }).waitFor()
  await page.locator('.cm-content').getByText('Deno.serve').waitFor()
  expect(await invoke()).toEqual({ message: 'Hello Ada!' })
  await dashboard.checkAccessibility()
  await dashboard.picture('function-editor')
})

test('changes it, is shown mistakes at their line, and deploys by keyboard', async () => {
  const { page } = dashboard
  await write('Deno.serve(() => {\n  const a = ;\n})')
  await page.getByText(/index\.ts:2/).waitFor()
  await dashboard.checkAccessibility()
  await write(
    `Deno.serve(async (request) => {\n  const { name } = await request.json()\n  console.log('asked by', name)\n  return Response.json({ message: 'Changed for ' + name })\n})`,
  )
  await page.keyboard.press('ControlOrMeta+S')
  await page.getByText(/Version 2 serves/).waitFor()
  expect(await invoke()).toEqual({ message: 'Changed for Ada' })
})

test('tries it, and sees its calls and its log lines as they come', async () => {
  const { page } = dashboard
  await open('/hello/try')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('region', { name: 'answer' }).getByText('Changed for Ada').waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('function-try')
  await open('/hello/logs')
  const log = page.getByRole('log')
  await log.getByText('asked by Ada').first().waitFor()
  const before = await log.getByText('asked by Ada').count()
  await invoke()
  await expect.poll(() => log.getByText('asked by Ada').count()).toBeGreaterThan(before)
  await dashboard.checkAccessibility()
  await dashboard.picture('function-logs')
  await open('/hello/calls')
  await expect.poll(() => page.getByRole('row').count()).toBeGreaterThan(3)
  await dashboard.checkAccessibility()
  await dashboard.picture('function-calls')
})

test('compares versions and rolls back with one press', async () => {
  const { page } = dashboard
  await open('/hello/versions')
  await page.getByRole('button', { name: 'Compare version 1' }).click()
  await page.getByRole('dialog').getByText(/Changed for/).waitFor() // prettier-ignore
  await dashboard.checkAccessibility()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Roll back to version 1' }).click()
  await page.getByText('Version 1 serves again.').waitFor()
  expect(await invoke()).toEqual({ message: 'Hello Ada!' })
  await dashboard.picture('function-versions')
})

test('sets a secret, and is told why a name is refused', async () => {
  const { page } = dashboard
  await open('/secrets')
  await page.getByRole('button', { name: 'Set a secret' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('LD_PRELOAD')
  await dialog.getByLabel('Value').fill('x')
  await dialog.getByRole('button', { name: 'Set secret' }).click()
  await dialog.getByText(/changes how the runtime itself works/).waitFor()
  await dashboard.checkAccessibility()
  await dialog.getByLabel('Name').fill('MAIL_KEY')
  await dialog.getByRole('button', { name: 'Set secret' }).click()
  await page.getByRole('row').filter({ hasText: 'MAIL_KEY' }).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('function-secrets')
})

test('schedules it, and changes a limit', async () => {
  const { page } = dashboard
  await open('/schedules')
  await page.getByRole('button', { name: 'New schedule' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Title').fill('Every night')
  await dialog.getByLabel('Cron expression').fill('99 * * * *')
  await dialog.getByRole('button', { name: 'Save schedule' }).click()
  await dialog.getByText(/is not a minute/).waitFor()
  await dialog.getByLabel('Cron expression').fill('0 3 * * *')
  await dialog.getByLabel('Time zone').fill('Europe/Berlin')
  await dashboard.checkAccessibility()
  await dialog.getByRole('button', { name: 'Save schedule' }).click()
  await page.getByRole('row').filter({ hasText: 'Every night' }).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('function-schedules')
  await open('/limits')
  await page.getByLabel('Memory in MiB').fill('128')
  await page.getByRole('button', { name: 'Save limits' }).click()
  await page.getByText(/Saved/).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('function-limits')
})

test('sees its calls in the list, and deletes it by typing its name', async () => {
  const { page } = dashboard
  await open()
  await page.getByRole('img', { name: /hello: \d+ calls in 24 hours/ }).waitFor()
  await dashboard.checkAccessibility()
  await dashboard.picture('functions')
  await open('/hello')
  await page.getByRole('button', { name: 'Delete the function' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox').fill('hello')
  await dialog.getByRole('button', { name: 'Delete function' }).click()
  await page.getByText('No function yet').waitFor()
  expect((await openSupabase(app).functions.invoke('hello')).error).not.toBeNull()
})

test('no page complained, and none asked another host for anything', () => {
  expect(dashboard.complaints).toEqual([])
})
