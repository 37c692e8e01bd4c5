import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { App } from '../../server/platform.ts'
import type { Dashboard } from './open-dashboard.ts'

/** What a field of the connect panel shows. */
export const readField = (page: Page, label: string) => page.getByRole('textbox', { name: label, exact: true }).first().innerText()

export async function signUp({ page, url }: Dashboard, email: string, password: string): Promise<void> {
  await page.goto(`${url}/sign-up`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL('**/projects')
}

/** Creates a project by the form, watches its steps, and reads URL and keys from the page that it ends on. */
export async function createProject({ page, url }: Dashboard, name: string): Promise<App> {
  await page.goto(`${url}/projects/new`)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Create project' }).click()
  await page.waitForURL(/\/projects\/[a-z]{20}$/)
  await page.getByRole('heading', { level: 1, name }).waitFor()
  const url_ = await readField(page, 'Project URL')
  const anonKey = await readField(page, 'anon key')
  return { ref: url_.split('/').at(-1)!, url: url_, anonKey, serviceKey: '' }
}

/** Puts a text into the SQL editor in place of what stands there, and runs it. */
export async function runSql({ page, url }: Dashboard, ref: string, sql: string): Promise<void> {
  if (!page.url().endsWith(`/projects/${ref}/database/sql`)) await page.goto(`${url}/projects/${ref}/database/sql`)
  const editor = page.locator('.cm-content')
  await editor.click()
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.insertText(sql)
  await page.keyboard.press('ControlOrMeta+Enter')
  await expect.poll(() => page.locator('[aria-busy="true"]').count(), { timeout: 20_000 }).toBe(0)
}
