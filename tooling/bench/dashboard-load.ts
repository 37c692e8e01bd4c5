/// <reference lib="dom" />
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
    { metric: 'dashboard.warm_live_ms', value: toMedian(warm.map(({ liveMs }) => liveMs)), unit: 'ms' },
  ]
}

interface Load {
  /** From the start of navigation until the page's own content, a project that can be opened, stands in a frame that was drawn. */
  ms: number
  /** Until the page's scripts have taken it over: keys, menus and live statuses work. */
  liveMs: number
  bytes: number
  requests: number
}

/** What the page notes about itself, by its own clock: the driver's round trips are not the dashboard's. */
interface Notes {
  shownAt?: number
}

/** Runs in the page before anything of it. */
function watchContent() {
  const notes = globalThis as Notes
  const observer = new MutationObserver(() => {
    if (!document.querySelector('main h1') || !document.querySelector('main li a[href^="/projects/"]')) return
    observer.disconnect()
    requestAnimationFrame(() => setTimeout(() => (notes.shownAt = performance.now())))
  })
  observer.observe(document, { childList: true, subtree: true })
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
  await page.addInitScript(watchContent)
  await page.goto(url, { waitUntil: 'networkidle' })
  const { ms, liveMs } = await page.evaluate(() => ({
    ms: (globalThis as Notes).shownAt ?? Number.NaN,
    liveMs: performance.getEntriesByName('polder:live')[0]?.startTime ?? Number.NaN,
  }))
  if (Number.isNaN(ms + liveMs)) throw new Error('the project list did not show a project')
  await page.close()
  return { ms, liveMs, bytes, requests }
}
