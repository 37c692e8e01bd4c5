import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHttpServer } from '../../http-server.ts'
import type { Services } from '../../services.ts'
import { openTestServer, untilEnded, type TestServer } from '../../testing/test-server.ts'

let server: TestServer
let services: Services
let app: FastifyInstance
let base: string
let busy: Project
let quiet: Project

interface Project {
  ref: string
  key: string
}

const SCHEMA = `
  create table items (id int primary key);
  insert into items values (1);
  create function slow(seconds float8) returns text language sql stable as $$ select 'slept'::text from (select pg_sleep(seconds)) s $$;
  create function slow_write(seconds float8) returns void language plpgsql as $$ begin insert into items values (2); perform pg_sleep(seconds); end $$;
  create function long() returns text language sql stable as $$ select repeat('x', 100 * 1024 * 1024) $$`

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start({
    environment: { POLDER_POOL_MAX: '3', POLDER_POOL_CONNECT_SECONDS: '1', POLDER_STATEMENT_TIMEOUT_SECONDS: '2' },
  })
  const owner = await server.createAccount('owner')
  const make = async (name: string): Promise<Project> => {
    const { project } = await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name })
    await untilEnded(server, project.ref)
    const { anonKey: key } = await services.projects.getConnection(project.ref)
    const access = await services.router.validateProjectAccess(project.ref, { kind: 'app', apiKey: key, authorization: undefined })
    const scope = await services.router.getConnection(access)
    await using session = await scope.db.openOwnerSession()
    await session.client.query(SCHEMA)
    return { ref: project.ref, key }
  }
  ;[busy, quiet] = await Promise.all([make('busy'), make('quiet')])
  app = await createHttpServer({ services, trustedProxies: null })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await app?.close()
  await server[Symbol.asyncDispose]()
})

function ask({ ref, key }: Project, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${base}/projects/${ref}/rest/v1${path}`, { ...init, headers: { apikey: key, 'content-type': 'application/json' } })
}

async function countRunning(): Promise<number> {
  const { rows } = await server.cluster.control.query(
    `select count(*)::int as count from pg_stat_activity where datname = $1 and usename like '%authenticator' and state = 'active'`,
    [`project_${busy.ref}`],
  )
  return (rows[0] as { count: number }).count
}

const busyConnections = () => services.router.statistics().pools.get(busy.ref)?.busy

test('what runs too long is ended, and says so', async () => {
  const start = performance.now()
  const reply = await ask(busy, '/rpc/slow?seconds=20')
  expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([500, '57014'])
  expect(performance.now() - start).toBeLessThan(6_000)
})

test('a client that goes away ends what it asked for, and nothing of a write stands', async () => {
  const requests: [path: string, init: RequestInit][] = [
    ['/rpc/slow?seconds=20', {}],
    ['/rpc/slow_write', { method: 'POST', body: '{"seconds":20}' }],
  ]
  for (const [path, init] of requests) {
    const controller = new AbortController()
    const gone = ask(busy, path, { ...init, signal: controller.signal }).catch((error: Error) => error.name)
    await expect.poll(countRunning).toBe(1)
    controller.abort()
    expect(await gone).toBe('AbortError')
    await expect.poll(countRunning, { timeout: 1_500 }).toBe(0)
  }
  expect(await (await ask(busy, '/items')).json()).toEqual([{ id: 1 }])
})

test('a project without free connections says when to come again, and takes nothing from its neighbours', async () => {
  // One of the three is the platform's, which reads the schema by it.
  const slow = Array.from({ length: 2 }, () => ask(busy, '/rpc/slow?seconds=1.6'))
  await expect.poll(countRunning).toBe(2)
  const waiting = ask(busy, '/items')
  for (let round = 0; round < 20; round += 1) {
    const start = performance.now()
    expect((await ask(quiet, '/items')).status).toBe(200)
    expect(performance.now() - start).toBeLessThan(1_000)
  }
  const refused = await waiting
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([503, 'PGRST003'])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200])
  expect((await ask(busy, '/items')).status).toBe(200)
})

/** Asks on a socket of its own that reads only when told to. */
function openReader({ ref, key }: Project, path: string) {
  const { port } = new URL(base)
  const socket = connect(Number(port), '127.0.0.1')
  socket.pause()
  socket.write(`GET /projects/${ref}/rest/v1${path} HTTP/1.1\r\nHost: localhost\r\napikey: ${key}\r\nConnection: close\r\n\r\n`)
  return socket
}

test('an answer of a hundred megabytes is not held in memory, and a reader that goes away holds nothing', async () => {
  const before = process.memoryUsage().arrayBuffers
  const reader = openReader(busy, '/rpc/long')
  await expect.poll(busyConnections).toBe(1)
  await pause(1_000)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * 1_048_576)
  let length = 0
  let head = ''
  reader.on('data', (chunk: Buffer) => {
    if (length === 0) head = chunk.toString('latin1', 0, chunk.indexOf('\r\n\r\n'))
    length += chunk.length
  })
  reader.resume()
  await new Promise((resolve) => reader.once('close', resolve))
  expect(head).toMatch(/^HTTP\/1\.1 200 /)
  expect(head).toContain(`Content-Length: ${100 * 1_048_576 + 2}`)
  expect(length - head.length - 4).toBe(100 * 1_048_576 + 2)
  const gone = openReader(busy, '/rpc/long')
  await expect.poll(busyConnections).toBe(1)
  await pause(500)
  gone.destroy()
  await expect.poll(busyConnections).toBe(0)
  expect((await ask(busy, '/items')).status).toBe(200)
})
