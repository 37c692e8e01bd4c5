import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runLoad, type LoadResult } from './load.ts'
import { interleave, toMedian, type Metric } from './measure.ts'
import { createApp, openBenchServer } from './open-server.ts'
import type { LimitOptions } from './rest-limit.ts'

const ROUNDS = 7
const SECONDS = 2
const CONNECTIONS = 64

const SCHEMA = `
  create table public.items (id bigint primary key, owner uuid, title text not null, price integer not null);
  alter table public.items enable row level security;
  create policy "Everybody reads" on public.items for select using (auth.role() = 'anon');
  insert into public.items select n, gen_random_uuid(), 'Item ' || n, n % 1000 from generate_series(1, 10000) n;
  analyze public.items;`

/** Reading one row by its key through the gateway, against node:http + pg with the same SQL and role switch in one Sync. */
export async function runRestSuite(): Promise<Metric[]> {
  await using server = await openBenchServer()
  const app = await createApp(server, 'rest')
  const project = server.polder.project(app.ref)
  const loaded = await project.database.runSql({ sql: SCHEMA })
  if (loaded.failure) throw new Error(loaded.failure.message)
  const { value: password } = await project.projects.revealSecret({ secret: 'database_password' })
  const connection = await project.projects.getConnection()
  const limit = await startLimit({
    host: connection.database.host,
    port: connection.database.port,
    database: connection.database.name,
    user: connection.database.user,
    password,
  })
  try {
    const path = '/rest/v1/items?select=id,title,price&id=eq.42'
    const ours = toRequest(new URL(app.url).pathname + path, { apikey: app.anonKey })
    const raw = toRequest('/items/42', { apikey: app.anonKey })
    await sameAnswer(`${app.url}${path}`, `http://127.0.0.1:${limit.port}/items/42`, app.anonKey)
    const run = (port: number, request: string) => () => runLoad({ port, request, connections: CONNECTIONS, seconds: SECONDS })
    const variants = { ours: run(server.port, ours), limit: run(limit.port, raw) }
    await interleave(1, variants)
    const results = await interleave(ROUNDS, variants)
    return toMetrics('rest.read_one', results.ours!, results.limit!)
  } finally {
    limit.process.kill()
  }
}

function toMetrics(metric: string, ours: LoadResult[], limit: LoadResult[]): Metric[] {
  const failures = [...ours, ...limit].reduce((sum, result) => sum + result.failures, 0)
  if (failures) throw new Error(`${metric}: ${failures} answers were not 2xx`)
  const rate = (results: LoadResult[]) => toMedian(results.map(({ perSecond }) => perSecond))
  return [
    { metric, value: rate(ours), unit: 'requests/s', against: 'limit', ratio: rate(ours) / rate(limit) },
    { metric: `${metric}_limit`, value: rate(limit), unit: 'requests/s' },
    {
      metric: `${metric}_p50_ms`,
      value: toMedian(ours.map(({ p50Ms }) => p50Ms)),
      unit: 'ms',
      against: 'limit',
      ratio: toMedian(ours.map(({ p50Ms }) => p50Ms)) / toMedian(limit.map(({ p50Ms }) => p50Ms)),
    },
    { metric: `${metric}_p99_ms`, value: toMedian(ours.map(({ p99Ms }) => p99Ms)), unit: 'ms' },
  ]
}

function toRequest(path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ host: 'localhost', accept: 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Speed of different answers cannot be compared. */
async function sameAnswer(ours: string, limit: string, key: string): Promise<void> {
  const [a, b] = await Promise.all([ours, limit].map(async (url) => (await fetch(url, { headers: { apikey: key } })).text()))
  if (JSON.stringify(JSON.parse(a!)) !== JSON.stringify(JSON.parse(b!))) throw new Error(`the answers differ:\n${a}\n${b}`)
}

function startLimit(options: LimitOptions): Promise<{ port: number; process: ChildProcess }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./rest-limit.ts', import.meta.url)), [], { execArgv: [] })
    child.on('message', (port) => resolve({ port: Number(port), process: child }))
    child.on('error', reject)
    child.on('exit', (code) => code && reject(new Error(`the limit server ended with ${code}`)))
    child.send(options)
  })
}
