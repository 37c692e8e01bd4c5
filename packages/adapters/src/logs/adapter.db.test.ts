import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import type { LogConditions, LogEntry, LogLine, QueryLogs } from '@polder/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestLog, type TestLog } from './testing/test-log.ts'

let log: TestLog

beforeAll(async () => {
  log = await openTestLog()
})
afterAll(async () => log?.[Symbol.asyncDispose]())

const HOUR = 3_600_000
let day = Date.parse('2033-01-01T00:00:00Z')

/** A day that no other test writes to. */
function nextDay(): { at: number; range: { from: Date; to: Date } } {
  day += 24 * HOUR
  return { at: day, range: { from: new Date(day), to: new Date(day + 24 * HOUR) } }
}

async function readAll(input: Pick<QueryLogs, 'range'> & Partial<QueryLogs>, project = log.alpha): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (let cursor: string | undefined; ;) {
    const page = await log.adapter.query(project, { conditions: {}, order: 'newest', limit: 7, ...input, cursor })
    entries.push(...page.entries)
    if (page.next === null) return entries
    cursor = page.next
  }
}

const messages = (entries: readonly LogEntry[]) => entries.map(({ message }) => message)

describe('reading', () => {
  test('gives every line once, in both orders, whatever the sizes of pages and the gaps between lines', async () => {
    const { at, range } = nextDay()
    const gaps = [0, 0, 1, 5, 5000, 20_000, 0, 300_000, 4 * HOUR, 0, 0, 0, 1, 11 * HOUR, 0]
    let time = at
    const lines = gaps.map((gap, i) => ({ at: (time += gap), message: `line ${i}` }))
    for (const part of [lines.slice(0, 4), lines.slice(4, 5), lines.slice(5)]) await log.write(log.alpha, part)
    const expected = lines.map(({ message }) => message)
    for (const limit of [1, 2, 7, 100]) {
      expect(messages(await readAll({ range, limit, order: 'oldest' }))).toEqual(expected)
      expect(messages(await readAll({ range, limit, order: 'newest' }))).toEqual(expected.toReversed())
    }
    const [from, to] = [new Date(lines[4]!.at), new Date(lines[8]!.at)]
    expect(messages(await readAll({ range: { from, to }, order: 'oldest' }))).toEqual(expected.slice(4, 8))
  })

  test('of a page without time to look says how far it came, and goes on from there', async () => {
    const { at, range } = nextDay()
    await log.write(log.alpha, [
      { at, message: 'first' },
      { at: at + HOUR, message: 'last' },
    ])
    const { createLogsAdapter } = await import('./adapter.ts')
    const hasty = createLogsAdapter({ db: (await log.cluster.openLogs()).db, writer: log.writer, patienceMs: 0 })
    const page = await hasty.query(log.alpha, { range, conditions: {}, order: 'newest', limit: 10 })
    expect(page).toMatchObject({ entries: [], next: expect.any(String), searchedTo: range.to })
    expect(messages(await readAll({ range, cursor: page.next! }))).toEqual(['last', 'first'])
    expect(await hasty.histogram(log.alpha, { range, conditions: {}, bars: 10 })).toMatchObject({ bars: [], isPartial: true })
  })

  test.each<[string, LogConditions, number[]]>([
    ['levels', { levels: ['warn', 'error'] }, [1, 2]],
    ['services', { services: ['auth'] }, [3]],
    ['status', { status: { from: 400, to: 499 } }, [1]],
    ['method', { methods: ['POST', 'PUT'] }, [1]],
    ['duration', { minDurationMs: 100 }, [2]],
    ['request id', { requestId: 'r-2' }, [2]],
    ['user', { userId: 'u-1' }, [1]],
    ['address', { ip: '10.0.0.1' }, [2]],
    ['part of the path', { path: 'ORDERS?SELECT' }, [1]],
    ['text in the message', { search: 'OrDeR' }, [1, 3]],
    ['text in the fields', { search: 'ünï' }, [4]],
    ['wildcards as letters', { search: '100%' }, [3]],
    ['underscore as a letter', { search: '0_' }, []],
    ['a backslash', { search: '\\' }, [5]],
    ['a field', { fields: [{ path: ['plan', 'name'], operator: '=', value: 'pro' }] }, [4]],
    ['a number', { fields: [{ path: ['amount'], operator: '>', value: '9' }] }, [4, 5]],
    ['a number in a text', { fields: [{ path: ['amount'], operator: '<=', value: '10.0' }] }, [4]],
    ['texts by order', { fields: [{ path: ['plan', 'name'], operator: '>', value: 'free' }] }, [4]],
    ['a field that is there', { fields: [{ path: ['list', '1'], operator: 'exists', value: '' }] }, [5]],
    [
      'a field unlike',
      {
        fields: [
          { path: ['amount'], operator: '!=', value: '10' },
          { path: ['amount'], operator: 'exists', value: '' },
        ],
      },
      [5],
    ],
    ['part of a field', { fields: [{ path: ['plan', 'name'], operator: 'contains', value: 'R' }] }, [4]],
    ['several at once', { services: ['rest'], levels: ['warn'], search: 'orders' }, [1]],
    ['nothing', { levels: [] }, []],
  ])('narrows by %s', async (name, conditions, expected) => {
    const { at, range } = nextDay()
    const lines: Partial<LogLine>[] = [
      { message: '0' },
      { level: 'warn', service: 'rest', method: 'POST', path: '/rest/v1/orders?select=id', status: 404, userId: 'u-1' },
      { level: 'error', service: 'rest', method: 'GET', path: '/x', status: 500, durationMs: 120, requestId: 'r-2', ip: '10.0.0.1' },
      { service: 'auth', message: 'order of 100% silk' },
      { message: '4', fields: { plan: { name: 'pro' }, amount: '10', text: 'Ünïcode' } },
      { message: 'a \\ b', fields: { amount: 1e9, list: [1, 2] } },
    ]
    await log.write(
      log.alpha,
      lines.map((line, i) => ({ at: at + i, ...line })),
    )
    const found = await readAll({ range, conditions, order: 'oldest' })
    expect(
      found.map((entry) => entry.at.getTime() - at),
      name,
    ).toEqual(expected)
    const { bars } = await log.adapter.histogram(log.alpha, { range, conditions, bars: 24 })
    expect(
      bars.reduce((sum, bar) => sum + bar.debug + bar.info + bar.warn + bar.error, 0),
      name,
    ).toBe(expected.length)
  })
})

test('the histogram counts by step and level', async () => {
  const { at, range } = nextDay()
  const levels = ['info', 'info', 'warn', 'error', 'debug'] as const
  await log.write(log.alpha, [...levels.map((level, i) => ({ at: at + i, level })), { at: at + 5.5 * HOUR }])
  const { stepMs, bars, isPartial } = await log.adapter.histogram(log.alpha, { range, conditions: {}, bars: 24 })
  expect({ stepMs, isPartial }).toEqual({ stepMs: HOUR, isPartial: false })
  expect(bars).toEqual([
    { at: new Date(at), debug: 1, info: 2, warn: 1, error: 1 },
    { at: new Date(at + 5 * HOUR), debug: 0, info: 1, warn: 0, error: 0 },
  ])
})

test('a live view shows lines as they come in, those that it asked for, and ends with its signal', async () => {
  const ending = new AbortController()
  const seen: string[] = []
  await log.write(log.alpha, [{ message: 'before' }])
  const following = (async () => {
    for await (const batch of log.adapter.follow(log.alpha, { levels: ['warn'] }, ending.signal))
      seen.push(...batch.map(({ message }) => message!))
  })()
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (let i = 0; i < 5; i += 1) {
    await log.write(log.alpha, [{ message: `warning ${i}`, level: 'warn' }, { message: 'not asked for' }])
    await log.write(log.beta, [{ message: 'not ours', level: 'warn' }])
  }
  await expect.poll(() => seen).toEqual([0, 1, 2, 3, 4].map((i) => `warning ${i}`))
  ending.abort()
  await following
})

describe('an export', () => {
  const lines = [
    { message: 'plain', status: 200, fields: { a: 1 } },
    { message: '=cmd()', path: '/a,"b"' },
    { message: 'two\nlines', level: 'warn' as const },
  ]
  const exported = async (format: 'json' | 'ndjson' | 'csv', range: { from: Date; to: Date }) =>
    text(Readable.from(log.adapter.export(log.alpha, { format, range, conditions: {} })))

  test('is JSON, a line of JSON each, or a table without formulas', async () => {
    const { at, range } = nextDay()
    await log.write(
      log.alpha,
      lines.map((line, i) => ({ at: at + i, ...line })),
    )
    const json = JSON.parse(await exported('json', range)) as unknown[]
    expect(json).toMatchObject(lines)
    const ndjson = (await exported('ndjson', range)).trimEnd().split('\n')
    expect(ndjson.map((line) => JSON.parse(line))).toEqual(json)
    const csv = await exported('csv', range)
    expect(csv.split('\r\n')[0]).toMatch(/^at,level,service,message,/)
    expect(csv).toContain(`,'=cmd(),`)
    expect(csv).toContain('"/a,""b"""')
    expect(csv).toContain('"two\nlines"')
    expect(csv).toContain('"{""a"":1}"')
    expect(JSON.parse(await exported('json', nextDay().range))).toEqual([])
  })

  test('of many lines holds few of them at a time', async () => {
    const { at, range } = nextDay()
    const count = 30_000
    const many = Array.from({ length: count }, (_, i) => ({ at: at + i, message: `line ${i} ${'x'.repeat(100)}` }))
    await log.write(log.alpha, many)
    let largest = 0
    let total = 0
    for await (const piece of log.adapter.export(log.alpha, { format: 'ndjson', range, conditions: {} })) {
      largest = Math.max(largest, piece.length)
      total += piece.split('\n').length - 1
    }
    expect(total).toBe(count)
    expect(largest).toBeLessThan(3_000_000)
  })
})

test('property: whatever is asked, nobody sees a line of another project', { timeout: 60_000 }, async () => {
  const { at, range } = nextDay()
  const secret = 'line-of-beta'
  await log.write(log.beta, [
    { at: at + 1, message: secret, requestId: secret, userId: secret, ip: secret, path: secret, fields: { secret } },
  ])
  await log.write(log.alpha, [{ at: at + 1, message: 'line of alpha' }])
  const evil = fc.oneof(
    fc.constantFrom(
      "' or true --",
      "') or s.project = s.project --",
      '%',
      '_',
      secret,
      log.beta.ref,
      '\\',
      "x' union select * from logs.segments --",
      '$1',
      '"; select 1; --',
      '*/ or true /*',
    ),
    fc.string({ minLength: 1, maxLength: 60 }).filter((value) => !value.includes('\0')),
  )
  const conditions = fc.record(
    {
      search: evil,
      path: evil,
      requestId: evil,
      userId: evil,
      ip: evil,
      fields: fc.array(
        fc.record({
          path: fc.array(evil, { minLength: 1, maxLength: 3 }),
          operator: fc.constantFrom('=' as const, '!=' as const, '>' as const, 'contains' as const, 'exists' as const),
          value: evil,
        }),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  )
  const cursor = fc.option(
    fc.tuple(fc.integer({ min: 0, max: 4e12 }), fc.bigInt({ min: 0n, max: 2n ** 62n }), fc.nat()).map((parts) => parts.join('.')),
    { nil: undefined },
  )
  await fc.assert(
    fc.asyncProperty(conditions, fc.constantFrom('newest' as const, 'oldest' as const), cursor, async (wanted, order, place) => {
      const page = await log.adapter.query(log.alpha, { range, conditions: wanted, order, limit: 10, cursor: place })
      expect(JSON.stringify(page.entries)).not.toContain(secret)
      const pieces = await text(Readable.from(log.adapter.export(log.alpha, { range, conditions: wanted, format: 'csv' })))
      expect(pieces).not.toContain(secret)
      const { bars } = await log.adapter.histogram(log.alpha, { range, conditions: wanted, bars: 10 })
      expect(bars.reduce((sum, { info }) => sum + info, 0)).toBeLessThanOrEqual(1)
    }),
    { numRuns: 200 },
  )
})
