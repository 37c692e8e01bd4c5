import { fork, type ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HANDLER } from './functions-limit.ts'
import { runLoad, type LoadResult } from './load.ts'
import { interleave, timeOf, toMedian, toPercentile, type Metric } from './measure.ts'
import { createApp, openBenchServer, type BenchApp, type BenchServer } from './open-server.ts'

const ROUNDS = 5
const SECONDS = 1.5
const CONNECTIONS = 64
const COLD_CALLS = 9
const EMPTY_COLD_CALLS = 7
const DEPLOYS = 9
const PROJECTS = 100
const PROJECT_SECONDS = 10

const HELLO = `Deno.serve(${HANDLER})`
const WITH_CLIENT = `import { createClient } from 'npm:@supabase/supabase-js@2'
const client = createClient(Deno.env.get('SUPABASE_URL'), Deno.env.get('SUPABASE_ANON_KEY'))
Deno.serve(() => Response.json({ hello: typeof client.from }))`

/** Calls of functions, warm and cold, and deploys; warm ones against one bare proxy hop to a bare Deno with the same handler. */
export async function runFunctionsSuite(): Promise<Metric[]> {
  const metrics: Metric[] = []
  {
    await using server = await openBenchServer()
    const app = await createApp(server, 'functions')
    metrics.push(...(await measureDeploys(server, app)))
    metrics.push(...(await measureWarm(server, app)))
    metrics.push(...(await measureCold(server)))
    metrics.push(...(await measureMany(server)))
  }
  await using bare = await openBenchServer({ POLDER_WARM_FUNCTIONS: '0' })
  const app = await createApp(bare, 'no pool')
  await deploy(bare, app, HELLO)
  await bare.polder.project(app.ref).functions.updateSettings({ idleSeconds: 1 })
  const times = await timeColdCalls(app, EMPTY_COLD_CALLS)
  metrics.push({ metric: 'functions.cold_empty_p50_ms', value: toMedian(times), unit: 'ms' })
  return metrics
}

async function measureDeploys(server: BenchServer, app: BenchApp): Promise<Metric[]> {
  await deploy(server, app, HELLO)
  const times: number[] = []
  for (let at = 0; at < DEPLOYS; at += 1) times.push(await timeOf(() => deploy(server, app, `${HELLO} // ${at}`)))
  await deploy(server, app, HELLO)
  return [{ metric: 'functions.deploy_ms', value: toMedian(times), unit: 'ms' }]
}

async function measureWarm(server: BenchServer, app: BenchApp): Promise<Metric[]> {
  const limit = await startLimit()
  try {
    const { pathname } = new URL(`${app.url}/functions/v1/hello`)
    const run = (port: number, path: string, connections: number) => () =>
      runLoad({ port, request: toRequest(path, app.anonKey), connections, seconds: SECONDS })
    const variants = {
      ours: run(server.port, pathname, CONNECTIONS),
      limit: run(limit.port, '/hello', CONNECTIONS),
      oursAlone: run(server.port, pathname, 1),
      limitAlone: run(limit.port, '/hello', 1),
    }
    await interleave(1, variants)
    const results = (await interleave(ROUNDS, variants)) as Record<keyof typeof variants, LoadResult[]>
    const failures = Object.values(results)
      .flat()
      .reduce((sum, result) => sum + result.failures, 0)
    if (failures > 0) throw new Error(`functions.warm: ${failures} answers were not 2xx`)
    const rate = (list: LoadResult[]) => toMedian(list.map(({ perSecond }) => perSecond))
    const p50 = (list: LoadResult[]) => toMedian(list.map(({ p50Ms }) => p50Ms))
    return [
      {
        metric: 'functions.warm',
        value: rate(results.ours),
        unit: 'calls/s',
        against: 'limit',
        ratio: rate(results.ours) / rate(results.limit),
      },
      { metric: 'functions.warm_limit', value: rate(results.limit), unit: 'calls/s' },
      { metric: 'functions.warm_p50_ms', value: p50(results.oursAlone), unit: 'ms' },
      { metric: 'functions.warm_added_p50_ms', value: p50(results.oursAlone) - p50(results.limitAlone), unit: 'ms' },
    ]
  } finally {
    limit.process.kill()
  }
}

/** From processes that wait: a project's own process is stopped before each call, because nobody called it for a second. */
async function measureCold(server: BenchServer): Promise<Metric[]> {
  const [plain, client] = [await createApp(server, 'plain'), await createApp(server, 'client')]
  await deploy(server, plain, HELLO)
  await deploy(server, client, WITH_CLIENT)
  for (const { ref } of [plain, client]) await server.polder.project(ref).functions.updateSettings({ idleSeconds: 1 })
  return [
    { metric: 'functions.cold_p50_ms', value: toMedian(await timeColdCalls(plain, COLD_CALLS)), unit: 'ms' },
    { metric: 'functions.cold_client_p50_ms', value: toMedian(await timeColdCalls(client, COLD_CALLS)), unit: 'ms' },
  ]
}

/** Many projects, each called once a second. */
async function measureMany(server: BenchServer): Promise<Metric[]> {
  const apps: BenchApp[] = []
  for (let at = 0; at < PROJECTS; at += 4) {
    apps.push(...(await Promise.all([0, 1, 2, 3].map((more) => createApp(server, `many ${at + more}`)))))
  }
  for (const app of apps) await deploy(server, app, HELLO)
  let failed = 0
  const times: number[] = []
  const callOnce = async (app: BenchApp) => {
    const started = performance.now()
    const { status } = await call(app).catch(() => ({ status: 0 }))
    times.push(performance.now() - started)
    if (status !== 200) failed += 1
  }
  await Promise.all(
    apps.map(async (app, at) => {
      await sleep((at * 1000) / PROJECTS)
      for (let second = 0; second < PROJECT_SECONDS; second += 1) {
        const next = sleep(1000)
        await callOnce(app)
        await next
      }
    }),
  )
  return [
    { metric: 'functions.hundred_projects_failed', value: failed, unit: `of ${times.length} calls` },
    { metric: 'functions.hundred_projects_p99_ms', value: toPercentile(times, 99), unit: 'ms' },
  ]
}

async function timeColdCalls(app: BenchApp, count: number): Promise<number[]> {
  const times: number[] = []
  for (let at = 0; at < count; at += 1) {
    await sleep(1_800)
    times.push(
      await timeOf(async () => {
        const answer = await call(app)
        await answer.text()
        if (answer.status !== 200) throw new Error(`a cold call answered ${answer.status}`)
      }),
    )
  }
  return times
}

function call({ url, anonKey }: BenchApp): Promise<Response> {
  return fetch(`${url}/functions/v1/hello`, { headers: { authorization: `Bearer ${anonKey}` } })
}

async function deploy({ polder }: BenchServer, { ref }: BenchApp, content: string): Promise<void> {
  const source = { entrypoint: 'index.ts', files: [{ path: 'index.ts', content }] }
  await polder.project(ref).functions.deploy({ name: 'hello', source })
}

function toRequest(path: string, key: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nauthorization: Bearer ${key}\r\n\r\n`
}

function startLimit(): Promise<{ port: number; process: ChildProcess }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('functions-limit.ts', import.meta.url)), [], { execArgv: [] })
    child.on('message', (port) => resolve({ port: Number(port), process: child }))
    child.on('error', reject)
    child.on('exit', (code) => code && reject(new Error(`the limit server ended with ${code}`)))
  })
}
