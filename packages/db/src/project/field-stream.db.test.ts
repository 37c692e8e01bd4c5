import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import { Cancellation } from './cancellation.ts'
import type { CallerStatement } from './project-database.ts'
import type { ProjectScope } from './project-scope.ts'

let cluster: TestCluster
let project: TestProject
let anon: ProjectScope

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  anon = await project.scope('anon')
})
afterAll(() => cluster[Symbol.asyncDispose]())

const request = { method: 'GET', path: '/', headers: '{}', cookies: '{}' }
const MEGABYTE = 1_048_576

function large(megabytes: number, more: Partial<CallerStatement> = {}): CallerStatement {
  const text = `select 7, null, 'x', repeat('abcdefgh', $1::int)`
  return { text, values: [String((megabytes * MEGABYTE) / 8)], isReadOnly: true, request, searchPath: [], isStreamed: true, ...more }
}

/** Takes what is written after a while that `delay` says; counts it, and keeps how it began. */
class Counter extends Writable {
  length = 0
  pieces = 0
  start = ''
  readonly #delay: (length: number) => number

  constructor(delay: (length: number) => number = () => 0) {
    super()
    this.#delay = delay
  }

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    if (this.pieces === 0) this.start = piece.toString('latin1', 0, 8)
    this.length += piece.length
    this.pieces += 1
    const ms = this.#delay(this.length)
    if (ms === 0) done()
    else setTimeout(done, ms)
  }
}

const statistics = () => cluster.router.statistics().pools.get(project.ref)!

test('a long answer comes piece by piece, its first fields at once, and the connection serves again', async () => {
  for (let round = 0; round < 3; round += 1) {
    const { rows, stream } = await anon.db.asCaller(large(3))
    expect(rows[0]?.map((field) => field?.toString() ?? null)).toEqual(['7', null, 'x'])
    expect(stream?.length).toBe(3 * MEGABYTE)
    const counter = new Counter()
    await stream!.pipeTo(counter)
    expect([counter.length, counter.start, counter.writableEnded]).toEqual([3 * MEGABYTE, 'abcdefgh', true])
    expect(counter.pieces).toBeGreaterThan(10)
    expect((await anon.db.asCaller({ ...large(0), text: 'select $1::text' })).rows[0]?.[0]?.toString()).toBe('0')
  }
  await expect.poll(() => statistics()).toMatchObject({ busy: 0 })
})

test('short answers, long ones that are not to be streamed, and several rows come whole', async () => {
  expect((await anon.db.asCaller(large(0.5))).rows[0]?.[3]?.length).toBe(MEGABYTE / 2)
  const whole = await anon.db.asCaller(large(2, { isStreamed: false }))
  expect([whole.stream, whole.rows[0]?.[3]?.length]).toEqual([undefined, 2 * MEGABYTE])
})

test('who reads slowly is waited for: a hundred megabytes take no place', async () => {
  const { stream } = await anon.db.asCaller(large(100))
  const before = process.memoryUsage()
  await pause(300)
  let most = 0
  const counter = new Counter((length) => {
    most = Math.max(most, process.memoryUsage().arrayBuffers)
    return length % (20 * MEGABYTE) < 65_536 ? 20 : 0
  })
  await stream!.pipeTo(counter)
  expect(counter.length).toBe(100 * MEGABYTE)
  expect(most - before.arrayBuffers).toBeLessThan(5 * MEGABYTE)
})

test.each([0, 1, 5])(
  'who stops reading after %i megabytes lets go of the connection, and nobody finds it in that state',
  async (megabytes) => {
    const { stream } = await anon.db.asCaller(large(20))
    if (megabytes === 0) stream!.destroy()
    else {
      const counter: Counter = new Counter((length) => (length > megabytes * MEGABYTE ? (counter.destroy(), 1) : 0))
      await expect(stream!.pipeTo(counter)).rejects.toThrow()
    }
    expect((await anon.db.asCaller({ ...large(1), text: 'select $1::text' })).rows[0]?.[0]?.toString()).toBe('131072')
    await expect.poll(() => statistics()).toMatchObject({ busy: 0 })
  },
)

test('a server that goes away in the middle ends the stream with an error', async () => {
  const { stream } = await anon.db.asCaller(large(50, { values: [String((50 * MEGABYTE) / 8)] }))
  const { rows } = await cluster.control.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query like '%abcdefgh%' and pid <> pg_backend_pid()`,
    [`project_${project.ref}`],
  )
  expect(rows).toHaveLength(1)
  const counter = new Counter()
  await expect(stream!.pipeTo(counter)).rejects.toMatchObject({ code: 'database.unavailable' })
  expect([counter.destroyed, counter.length < 50 * MEGABYTE]).toEqual([true, true])
  await expect.poll(() => statistics().busy).toBe(0)
})

const sleep = (more: Partial<CallerStatement>): CallerStatement => ({
  text: `select 'slept' from (select pg_sleep($1::float8)) s`,
  values: ['20'],
  isReadOnly: true,
  request,
  searchPath: [],
  ...more,
})

async function countSleeping(): Promise<number> {
  const { rows } = await cluster.control.query(
    `select count(*)::int as count from pg_stat_activity where datname = $1 and state = 'active' and query like '%slept%'`,
    [`project_${project.ref}`],
  )
  return (rows[0] as { count: number }).count
}

test('a cancellation ends the statement on the server, and no other one', async () => {
  const cancellation = new Cancellation()
  const running = anon.db.asCaller(sleep({ cancellation }))
  const other = anon.db.asCaller(sleep({ values: ['0.5'] }))
  await expect.poll(countSleeping).toBe(2)
  cancellation.cancel()
  await expect(running).rejects.toMatchObject({ code: 'request.abandoned' })
  expect((await other).rows[0]?.[0]?.toString()).toBe('slept')
  await expect.poll(countSleeping).toBe(0)
  await expect(anon.db.asCaller(sleep({ cancellation }))).rejects.toMatchObject({ code: 'request.abandoned' })
  await expect.poll(() => statistics().busy).toBe(0)
})

test('quick statements on one connection do not end each other', async () => {
  const quick = (cancellation?: Cancellation) => anon.db.asCaller(sleep({ values: ['0.001'], cancellation }))
  for (let round = 0; round < 5; round += 1) await quick()
  for (let round = 0; round < 20; round += 1) {
    const cancellations = Array.from({ length: 12 }, () => new Cancellation())
    const results = cancellations.map((cancellation) =>
      quick(cancellation).then(
        ({ rows }) => rows[0]?.[0]?.toString(),
        (error: { code?: string }) => error.code,
      ),
    )
    await pause(round % 3)
    for (const cancellation of cancellations.filter((_, index) => index % 4 === 1)) cancellation.cancel()
    const seen = await Promise.all(results)
    for (const [index, result] of seen.entries()) expect(index % 4 === 1 ? ['slept', 'request.abandoned'] : ['slept']).toContain(result)
  }
  await expect.poll(() => statistics().busy).toBe(0)
})
