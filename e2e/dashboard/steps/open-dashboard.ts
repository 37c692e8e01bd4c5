import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import AxeBuilder from '@axe-core/playwright'
import { openBrowser } from '@polder/tooling/browser'
import type { BrowserContext, Page } from 'playwright-core'
import { expect, inject } from 'vitest'

const pictures = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../docs/images')

/** The pictures in docs/images are made anew only when this is set: a test run leaves the work tree alone. */
const keepsPictures = process.env.UPDATE_SCREENSHOTS === '1'

/** Those that the documentation shows; the others are only checked. */
const KEPT = ['project-home', 'sql-editor', 'table-rows', 'users']

/** A browser on the run's server that notes everything a page should not do. */
export interface Dashboard extends AsyncDisposable {
  page: Page
  context: BrowserContext
  url: string
  /** Errors on the console, uncaught exceptions, and requests to other hosts, since the start. */
  complaints: string[]
  /** Fails if the page as it is breaks a rule of WCAG 2.1 A or AA that axe can see. */
  checkAccessibility(): Promise<void>
  /** One picture each: light, dark, and light at 360 pixels; kept under docs/images when asked for. */
  picture(name: string): Promise<void>
}

export async function openDashboard(): Promise<Dashboard> {
  const browser = await openBrowser()
  const url = inject('serverUrl')
  const context = await browser.newContext({
    locale: 'en-US',
    colorScheme: 'light',
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`))
  page.on('console', (message) => {
    // A refused request is how a form learns that its input is wrong; the browser logs each.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob|about):/.test(request.url())) complaints.push(`other host: ${request.url()}`)
  })
  return {
    page,
    context,
    url,
    complaints,
    async checkAccessibility() {
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)).toEqual([])
    },
    async picture(name) {
      await mkdir(pictures, { recursive: true })
      const shot = (suffix: string) =>
        page.screenshot(
          keepsPictures && KEPT.includes(name)
            ? { path: path.join(pictures, `${name}-${suffix}.png`), animations: 'disabled' }
            : { animations: 'disabled' },
        )
      await shot('light')
      await page.emulateMedia({ colorScheme: 'dark' })
      await shot('dark')
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 360, height: 740 })
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      expect(overflow, `${name} at 360 px scrolls sideways`).toBeLessThanOrEqual(0)
      await shot('narrow')
      await page.setViewportSize({ width: 1280, height: 800 })
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
    },
  }
}
