import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogLine } from '@polder/core'
import {
  bootstrapCluster,
  createLogWriter,
  makeClient,
  makeSecretText,
  openEmbeddedPostgres,
  openLogDatabase,
  selectProjectNumbers,
  toClientConfig,
} from '@polder/db'
import { findFreePort } from '@polder/tooling/server'
import { runLoad } from './load.ts'
import { interleave, toMedian, type Metric } from './measure.ts'
import { cpuOf, createApp, openBenchServer, type BenchServer } from './open-server.ts'

const SECONDS = 4
const ROUNDS = 3
const PROJECTS = 20
const REQUEST_ROUNDS = 9
const REQUEST_SECONDS = 2
const CONNECTIONS = 64

/** How many lines a second the log takes, against COPY of rows alone; and what logging every request costs the data API. */
export async function runLogsSuite(): Promise<Metric[]> {
  return [...(await measureLines()), ...(await measureRequests())]
}

async function measureLines(): Promise<Metric[]> {
  const folder = await mkdtemp(join(tmpdir(), 'polder-bench-logs-'))
  const [superuserPassword, controlPassword] = [makeSecretText(), makeSecretText()]
  const server = await openEmbeddedPostgres({ folder, port: await findFreePort(), superuserPassword, observe: () => {} })
  try {
    const address = toClientConfig(server.address)
    await bootstrapCluster(
      { ...address, user: 'postgres', password: superuserPassword, database: 'postgres' },
      { controlPassword, writesHba: true },
    )
    const logs = await openLogDatabase({ ...address, user: 'platform_ctl', password: controlPassword, database: 'platform' })
    const writer = createLogWriter({
      connection: logs.connection,
      findProjects: async (refs) =>
        new Map([...(await selectProjectNumbers(logs.db, refs))].map(([ref, number]) => [ref, { number, level: 'info' as const }])),
      observe: ({ kind }) => console.error(`the log writer observed: ${kind}`),
    })
    const client = makeClient(logs.connection)
    await client.connect()
    await client.query('set synchronous_commit = off')
    const results = await interleave(ROUNDS, { ours: () => writeLines(writer), copy: () => copyRows(client) })
    const { dropped } = writer.statistics()
    if (dropped > 0) throw new Error(`${dropped} lines were dropped although the writer was not hurried`)
    await writer.close()
    await client.end()
    await logs.close()
    const [ours, copy] = [toMedian(results.ours!), toMedian(results.copy!)]
    return [
      { metric: 'logs.lines_per_s', value: ours, unit: 'lines/s', against: 'COPY of rows alone', ratio: ours / copy },
      { metric: 'logs.lines_per_s_copy', value: copy, unit: 'rows/s' },
    ]
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const PATH = '/projects/abcdefghijklmnopqrst/rest/v1/items?select=id,title,price&id=eq.42'

async function writeLines(writer: ReturnType<typeof createLogWriter>): Promise<number> {
  const ids = Array.from({ length: 1000 }, () => randomUUID())
  const before = writer.statistics().written
  const start = performance.now()
  for (let i = 0; performance.now() - start < SECONDS * 1000;) {
    for (const end = i + 500; i < end; i += 1) {
      const line: LogLine = { at: Date.now(), level: 'info', service: 'rest', requestId: ids[i % 1000], ip: '127.0.0.1', method: 'GET' }
      writer.write(`project-${i % PROJECTS}`, Object.assign(line, { path: PATH, status: 200, durationMs: (i % 997) / 10, bytes: 420 }))
    }
    while (writer.statistics().waiting > 20_000) await new Promise(setImmediate)
  }
  await writer.flush()
  return (writer.statistics().written - before) / ((performance.now() - start) / 1000)
}

/** The same facts as rows, their text ready beforehand: what the database alone can take. */
async function copyRows(client: ReturnType<typeof makeClient>): Promise<number> {
  await client.query(`drop table if exists public.rows; create table public.rows (at timestamptz, project int, level smallint, service smallint,
    request_id text, ip text, method text, path text, status smallint, duration_ms real, bytes int)`)
  const row = `${new Date().toISOString()}\t1\t1\t2\t${randomUUID()}\t127.0.0.1\tGET\t${PATH}\t200\t1.5\t420\n`
  const data = Buffer.from(row.repeat(1000))
  const start = performance.now()
  let count = 0
  for (; performance.now() - start < SECONDS * 1000; count += 1000) await copy(client, data)
  return count / ((performance.now() - start) / 1000)
}

function copy(client: ReturnType<typeof makeClient>, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const query = {
      submit: (connection: { query(text: string): void }) => connection.query('copy public.rows from stdin'),
      handleCopyInResponse(connection: { sendCopyFromChunk(chunk: Buffer): void; endCopyFrom(): void }) {
        connection.sendCopyFromChunk(data)
        connection.endCopyFrom()
      },
      handleError: reject,
      handleReadyForQuery: () => resolve(),
      handleCommandComplete() {},
    }
    ;(client.query as (submittable: unknown) => unknown).call(client, query)
  })
}

async function measureRequests(): Promise<Metric[]> {
  await using logging = await openBenchServer()
  await using silent = await openBenchServer({ POLDER_PROJECT_LOGS: 'off' })
  const load = async (server: BenchServer) => {
    const app = await createApp(server, 'logs')
    const made = await server.polder.project(app.ref).database.runSql({
      sql: 'create table public.items (id int primary key, title text); insert into public.items select n, n from generate_series(1, 1000) n',
    })
    if (made.failure) throw new Error(made.failure.message)
    const request = `GET ${new URL(app.url).pathname}/rest/v1/items?select=id,title&id=eq.42 HTTP/1.1\r\nhost: localhost\r\napikey: ${app.anonKey}\r\n\r\n`
    return async () => {
      const before = cpuOf(server.processes())
      const result = await runLoad({ port: server.port, request, connections: CONNECTIONS, seconds: REQUEST_SECONDS })
      if (result.failures > 0) throw new Error(`${result.failures} answers were not 2xx`)
      const cpuUs = (cpuOf(server.processes()) - before) / (result.perSecond * REQUEST_SECONDS)
      return { perSecond: result.perSecond, cpuUs }
    }
  }
  const variants = { on: await load(logging), off: await load(silent) }
  await interleave(1, variants)
  const results = await interleave(REQUEST_ROUNDS, variants)
  const median = (of: 'on' | 'off', what: 'perSecond' | 'cpuUs') => toMedian(results[of]!.map((result) => result[what]))
  const [on, off] = [median('on', 'perSecond'), median('off', 'perSecond')]
  const [cpuOn, cpuOff] = [median('on', 'cpuUs'), median('off', 'cpuUs')]
  return [
    { metric: 'logs.request_cost', value: on, unit: 'requests/s', against: 'logs off', ratio: on / off },
    { metric: 'logs.request_cost_off', value: off, unit: 'requests/s' },
    { metric: 'logs.request_cpu_us', value: cpuOn, unit: 'µs of server and database', against: 'logs off', ratio: cpuOn / cpuOff },
  ]
}
