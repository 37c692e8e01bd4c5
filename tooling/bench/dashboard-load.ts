import type { BrowserContext } from 'playwright-core'
import { openBrowser } from '@polder/tooling/browser'
import { toMedian, type Metric } from './measure.ts'
import type { BenchServer } from './open-server.ts'

const ROUNDS = 5

/** The project list, signed in: with an empty cache (first load) and once more (warm), in a headless browser. */
export async function measureDashboard(server: BenchServer): Promise<Metric[]> {
  const browser = await openBrowser()
  const first: Load[] = []
  const warm: Load[] = []
  try {
    await browser.newContext().then((context) => context.close())
    for (let round = 0; round < ROUNDS; round++) {
      const context = await browser.newContext({ locale: 'en-US' })
      const [name, ...value] = server.cookie.split('=')
      // The driver takes a secure cookie for a secure address only; the browser then sends it to this host's plain one too.
      await context.addCookies([
        { name: name!, value: value.join('='), url: server.url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' },
      ])
      first.push(await load(context, `${server.url}/projects`))
      warm.push(await load(context, `${server.url}/projects`))
      await context.close()
    }
  } finally {
    await browser.close()
  }
  return [
    { metric: 'dashboard.first_load_ms', value: toMedian(first.map(({ ms }) => ms)), unit: 'ms' },
    { metric: 'dashboard.first_load_kb', value: toMedian(first.map(({ bytes }) => bytes)) / 1000, unit: 'kB on the wire' },
    { metric: 'dashboard.first_load_requests', value: toMedian(first.map(({ requests }) => requests)), unit: 'requests' },
    { metric: 'dashboard.warm_load_ms', value: toMedian(warm.map(({ ms }) => ms)), unit: 'ms' },
  ]
}

interface Load {
  /** From the start of navigation until the page's own content stands (its main heading). */
  ms: number
  bytes: number
  requests: number
}

async function load(context: BrowserContext, url: string): Promise<Load> {
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  let bytes = 0
  let requests = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength
    requests++
  })
  await session.send('Network.enable')
  await page.goto(url, { waitUntil: 'commit' })
  await page.getByRole('heading', { level: 1 }).waitFor()
  // The page's own clock: the driver's round trips are not the dashboard's.
  const ms = await page.evaluate(() => performance.now())
  await page.waitForLoadState('networkidle')
  await page.close()
  return { ms, bytes, requests }
}
