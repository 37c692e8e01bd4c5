import { existsSync } from 'node:fs'
import sparticuz from '@sparticuz/chromium'
import { chromium, type Browser } from 'playwright-core'

const MACHINE_BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * A headless Chromium: the one that npm carries, or the machine's own where that one cannot start.
 * The language is set because some images have a locale that `Intl` refuses.
 */
export async function openBrowser(): Promise<Browser> {
  // Not the package's own arguments: its --single-process dies with the second context.
  const options = {
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'],
    env: { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8' },
  }
  try {
    return await chromium.launch({ ...options, executablePath: await sparticuz.executablePath() })
  } catch (error) {
    const own = MACHINE_BROWSERS.find((path) => existsSync(path))
    if (!own) throw error
    return chromium.launch({ ...options, executablePath: own })
  }
}
