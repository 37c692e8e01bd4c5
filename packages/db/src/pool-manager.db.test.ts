import { isServiceError } from '@polder/core'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Login } from './connect.ts'
import { createConnectionPoolManager, type ConnectionPoolManager, type ConnectionPoolOptions } from './pool-manager.ts'
import { createPasswordRestorer } from './platform/restore-password.ts'
import { createProjectDatabase } from './project/open-project-database.ts'
import { toDatabaseName, toLoginName } from './project/project-names.ts'
import { openTestCluster, type TestCluster, type TestProject } from './testing/test-cluster.ts'

let cluster: TestCluster
let projects: TestProject[]
let pools: ConnectionPoolManager | undefined

beforeAll(async () => {
  cluster = await openTestCluster()
  projects = await Promise.all([1, 2, 3].map(() => cluster.createProject()))
})

afterEach(async () => {
  await pools?.end()
  expect([...(pools?.statistics() ?? [])]).toEqual([])
  pools = undefined
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

function makePools(options: Partial<ConnectionPoolOptions> = {}): ConnectionPoolManager {
  pools = createConnectionPoolManager({ observe: () => {}, ...options })
  return pools
}

function loginOf(index: number, login: 'authenticator' | 'platform' | 'owner' = 'authenticator'): Login {
  const { ref, passwords } = projects[index]!
  return { address: cluster.address, database: toDatabaseName(ref), user: toLoginName(ref, login), password: passwords[login] }
}

const acquire = (index: number) => pools!.acquire(projects[index]!.ref, 'authenticator', loginOf(index))
const numbers = (index: number) => pools!.statistics().get(projects[index]!.ref)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: unknown) => (isServiceError(error) ? error.code : String(error)),
  )

function databaseOf(index: number) {
  const logins = { authenticator: loginOf(index), platform: loginOf(index, 'platform'), owner: loginOf(index, 'owner') }
  const database = createProjectDatabase({ ref: projects[index]!.ref, pools: pools!, logins })
  return database.forCaller({ kind: 'app', role: 'anon', claims: { role: 'anon' }, claimsJson: '{"role":"anon"}', hasUserToken: false })
}

const plain = { values: [], isReadOnly: false, request: { method: 'GET', path: '/', headers: '{}', cookies: '{}' }, searchPath: ['public'] }

test('lends up to the limit of a project, in order, and each connection to one at a time', async () => {
  makePools({ maxPerProject: 2 })
  const [one, two] = await Promise.all([acquire(0), acquire(0)])
  expect(one).not.toBe(two)
  const order: number[] = []
  const third = acquire(0).then((lease) => (order.push(3), lease))
  const fourth = acquire(0).then((lease) => (order.push(4), lease))
  await pause(50)
  expect(numbers(0)).toMatchObject({ open: 2, busy: 2, idle: 0, waiting: 2 })
  one.release()
  one.release()
  expect((await third).client).toBe(one.client)
  expect(numbers(0)).toMatchObject({ open: 2, busy: 2, waiting: 1 })
  two.release()
  await fourth
  expect(order).toEqual([3, 4])
  ;(await third).release()
  ;(await fourth).release()
  expect(numbers(0)).toMatchObject({ open: 2, idle: 2, busy: 0, waiting: 0, served: 4 })
})

test('the logins of a project share its limit: an idle one makes room for another', async () => {
  makePools({ maxPerProject: 1 })
  ;(await acquire(0)).release()
  const platform = await pools!.acquire(projects[0]!.ref, 'platform', loginOf(0, 'platform'))
  expect((await platform.client.query('select current_user::text as name')).rows).toEqual([{ name: loginOf(0, 'platform').user }])
  expect(numbers(0)).toMatchObject({ open: 1, busy: 1 })
})

test('at its limit a project’s logins do not take each other’s last connection, nor wait for each other', async () => {
  makePools({ maxPerProject: 3 })
  const platform = () => pools!.acquire(projects[0]!.ref, 'platform', loginOf(0, 'platform'))
  const seen = new Set<unknown>()
  const end = Date.now() + 500
  const work = async () => {
    while (Date.now() < end) {
      const lease = await acquire(0)
      seen.add(lease.client)
      await pause(1)
      lease.release()
    }
  }
  const busy = Promise.all(Array.from({ length: 8 }, work))
  for (let waited = 0; Date.now() < end; waited = 0) {
    const start = Date.now()
    const lease = await platform()
    waited += Date.now() - start
    seen.add(lease.client)
    lease.release()
    expect(waited).toBeLessThan(400)
    await pause(20)
  }
  await busy
  // The three, and the one whose place the first of the other login took.
  expect(seen.size).toBeLessThanOrEqual(4)
})

test('waiting too long is an answer of its own, and leaves no place taken', async () => {
  makePools({ maxPerProject: 1, queueMs: 50 })
  const lease = await acquire(0)
  expect(await codeOf(acquire(0))).toBe('project.connections_exhausted')
  expect(numbers(0)).toMatchObject({ waiting: 0, busy: 1 })
  lease.release()
  ;(await acquire(0)).release()
})

test('at the cap a project gets the idle connection of another, and one hung project does not hold the others', async () => {
  makePools({ maxPerProject: 3, maxTotal: 4, queueMs: 2_000 })
  const hung = await Promise.all([acquire(0), acquire(0), acquire(0)])
  const more = [acquire(0), acquire(0), acquire(0)].map(codeOf)
  for (let round = 0; round < 10; round += 1) {
    const one = await acquire(1)
    one.release()
    const two = await acquire(2)
    two.release()
  }
  expect(numbers(0)).toMatchObject({ open: 3, busy: 3, waiting: 3 })
  for (const lease of hung) lease.release(true)
  await Promise.all(more)
})

test('under load from all, each gets its share, and connections do not change hands at every request', async () => {
  makePools({ maxPerProject: 4, maxTotal: 6 })
  const served = [0, 0, 0]
  const seen = new Set<unknown>()
  const end = Date.now() + 1_000
  const work = async (index: number) => {
    while (Date.now() < end) {
      const lease = await acquire(index)
      seen.add(lease.client)
      await pause(2)
      lease.release()
      served[index]! += 1
    }
  }
  // the first project asks with six times as many requests at once
  await Promise.all([
    ...Array.from({ length: 24 }, () => work(0)),
    ...Array.from({ length: 4 }, () => work(1)),
    ...Array.from({ length: 4 }, () => work(2)),
  ])
  const total = served.reduce((sum, count) => sum + count)
  for (const count of served) expect(count / total).toBeGreaterThan(0.2)
  expect(seen.size).toBeLessThan(total / 10)
})

test('idle connections are closed in time, and then nothing is left running or kept', async () => {
  makePools({ idleMs: 100 })
  const emptied: string[] = []
  pools!.onEmptied((ref) => emptied.push(ref))
  ;(await acquire(0)).release()
  expect(numbers(0)?.open).toBe(1)
  expect(emptied).toEqual([])
  await expect.poll(() => numbers(0)?.open, { timeout: 5_000 }).toBe(0)
  expect(emptied).toHaveLength(1)
  const lease = await acquire(0)
  lease.release()
})

test('a connection that is lost is replaced at the next request', async () => {
  makePools()
  const lease = await acquire(0)
  lease.release()
  await cluster.control.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1', [loginOf(0).user])
  await expect.poll(() => numbers(0)?.open).toBe(0)
  ;(await acquire(0)).release()
})

test('a wrong password asks the hook once, however many connections wanted in', async () => {
  makePools()
  const asked: string[] = []
  const wrong = { ...loginOf(0), password: 'wrong' }
  expect(await codeOf(pools!.acquire(projects[0]!.ref, 'authenticator', wrong))).toBe('database.unavailable')
  pools!.onAuthenticationFailed(async (ref, login) => {
    asked.push(`${ref} ${login}`)
    await pause(20)
    return loginOf(0).password
  })
  const leases = await Promise.all([1, 2, 3].map(() => pools!.acquire(projects[0]!.ref, 'authenticator', wrong)))
  expect(asked).toEqual([`${projects[0]!.ref} authenticator`])
  for (const lease of leases) lease.release()
  const { ref } = projects[1]!
  pools!.onAuthenticationFailed(async () => Promise.reject(new Error('no luck')))
  expect(await codeOf(pools!.acquire(ref, 'authenticator', { ...loginOf(1), password: 'wrong' }))).toBe('database.unavailable')
  pools!.onAuthenticationFailed(async () => 'wrong too')
  expect(await codeOf(pools!.acquire(ref, 'authenticator', { ...loginOf(1), password: 'wrong' }))).toBe('database.unavailable')
  expect(numbers(1)).toMatchObject({ open: 0, busy: 0, waiting: 0 })
})

test('no server, no database: coded errors, and nothing stays open', async () => {
  makePools({ connectMs: 500 })
  const { ref } = projects[0]!
  const nowhere = { ...loginOf(0), address: { host: '127.0.0.1', port: 1 } }
  expect(await codeOf(pools!.acquire(ref, 'authenticator', nowhere))).toBe('database.unavailable')
  expect(await codeOf(pools!.acquire(ref, 'authenticator', { ...loginOf(0), database: 'project_nothing' }))).toBe('database.unavailable')
  // the wall between projects, seen from here
  expect(await codeOf(pools!.acquire(ref, 'authenticator', { ...loginOf(0), database: loginOf(1).database }))).toBe('database.unavailable')
  expect(numbers(0)).toMatchObject({ open: 0, waiting: 0 })
})

test('closing a project refuses who waits, closes what is idle, and lets what is busy finish', async () => {
  makePools({ maxPerProject: 1 })
  const busy = await acquire(0)
  const waiting = codeOf(acquire(0))
  await pools!.closeProject(projects[0]!.ref)
  expect(await waiting).toBe('database.unavailable')
  expect(pools!.statistics().size).toBe(0)
  expect((await busy.oneSync!.run({ ...plain, text: 'select 1' }, { role: 'anon', claimsJson: '{}' })).command).toBe('SELECT 1')
  busy.release()
  await expect
    .poll(async () => (await cluster.control.query(`select 1 from pg_stat_activity where usename = $1`, [loginOf(0).user])).rowCount)
    .toBe(0)
})

test('a statement that lifts its own time limit is ended from outside', { timeout: 20_000 }, async () => {
  makePools({ statementTimeoutMs: 300 })
  await projects[0]!.runAsOwner(`
    create or replace function public.stay() returns void language plpgsql as $$
    begin perform set_config('statement_timeout', '0', false); perform pg_sleep(60); end $$`)
  const scope = databaseOf(0)
  const started = Date.now()
  await expect(scope.asCaller({ ...plain, text: 'select pg_sleep(60)' })).rejects.toMatchObject({ code: '57014' })
  expect(Date.now() - started).toBeLessThan(1_500)
  await expect(scope.asCaller({ ...plain, text: 'select public.stay()' })).rejects.toThrow()
  expect(Date.now() - started).toBeLessThan(8_000)
  expect((await scope.asCaller({ ...plain, text: 'select 1' })).command).toBe('SELECT 1')
})

test('a login that changed its own password gets the stored one back', async () => {
  makePools()
  const { platform, box, provisioner } = cluster
  pools!.onAuthenticationFailed(createPasswordRestorer({ platform, box, provisioner }))
  for (const login of ['authenticator', 'platform', 'owner'] as const) {
    const client = await projects[0]!.connect(login)
    await client.query(`alter role current_user password 'mine now'`)
    await client.end()
  }
  const scope = databaseOf(0)
  const answers = await Promise.all([1, 2, 3].map(() => scope.asCaller({ ...plain, text: 'select 1' })))
  expect(answers.map((answer) => answer.command)).toEqual(['SELECT 1', 'SELECT 1', 'SELECT 1'])
  await scope.asOwner((tx) => sql`select 1`.execute(tx))
  await using session = await scope.openOwnerSession()
  expect((await session.client.query('select 1')).rowCount).toBe(1)
})

test('the platform login comes back clean, whatever a trigger left in its session', async () => {
  makePools({ maxPerProject: 1 })
  const lease = await pools!.acquire(projects[0]!.ref, 'platform', loginOf(0, 'platform'))
  const {
    rows: [before],
  } = await lease.client.query('select pg_backend_pid() as pid')
  await lease.client.query(
    `select set_config('search_path', 'evil', false), set_config('statement_timeout', '0', false), pg_advisory_lock(7)`,
  )
  await lease.client.query('listen gossip')
  lease.release()
  const next = await pools!.acquire(projects[0]!.ref, 'platform', loginOf(0, 'platform'))
  const {
    rows: [after],
  } = await next.client.query(`
    select pg_backend_pid() as pid, current_setting('search_path') as path, current_setting('statement_timeout') as timeout,
      (select count(*)::int from pg_listening_channels()) as channels, (select count(*)::int from pg_locks where locktype = 'advisory') as locks`)
  expect(after).toEqual({ pid: before.pid, path: 'pg_catalog,pg_temp', timeout: '5s', channels: 0, locks: 0 })
  next.release()
})

test('asOwner commits or undoes as one, and what it throws comes through', async () => {
  makePools()
  const scope = databaseOf(0)
  await scope.asOwner((tx) => sql`create table auth.seen (id int)`.execute(tx))
  const count = () =>
    scope.asOwner(async (tx) => (await sql<{ count: number }>`select count(*)::int from auth.seen`.execute(tx)).rows[0]?.count)
  await expect(
    scope.asOwner(async (tx) => {
      await sql`insert into auth.seen values (1)`.execute(tx)
      throw new Error('changed my mind')
    }),
  ).rejects.toThrow('changed my mind')
  expect(await count()).toBe(0)
  expect(
    await scope.asOwner(async (tx) => (await sql<{ id: number }>`insert into auth.seen values (1) returning id`.execute(tx)).rows),
  ).toEqual([{ id: 1 }])
  expect(await count()).toBe(1)
  await expect(scope.asOwner((tx) => sql`select seen`.execute(tx))).rejects.toMatchObject({ code: '42703' })
  await expect.poll(() => numbers(0)?.busy).toBe(0)
})

test('an owner session is of its own, can be cancelled, and is gone when it is disposed of', async () => {
  makePools()
  const scope = databaseOf(0)
  let pid: number
  {
    await using session = await scope.openOwnerSession()
    pid = (await session.client.query('select pg_backend_pid() as pid, current_user::text as name')).rows[0].pid
    const sleeping = session.client.query('select pg_sleep(30)')
    setTimeout(() => void session.cancel(), 100)
    await expect(sleeping).rejects.toMatchObject({ code: '57014' })
    void session.client.query('select pg_sleep(30)').catch(() => {})
    await pause(50)
  }
  await expect
    .poll(async () => (await cluster.control.query('select 1 from pg_stat_activity where pid = $1', [pid])).rowCount, { timeout: 3_000 })
    .toBe(0)
  expect(numbers(0)).toBeUndefined()
})
