import type { LogLine, Observation } from '@polder/core'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, type TestCluster } from '../testing/test-cluster.ts'
import { deleteProjectLogs, maintainLogs, selectProjectNumbers } from './log-maintenance.ts'
import type { LogDatabase } from './log-tables.ts'
import { createLogWriter, type LogWriter, type LogWriterOptions } from './log-writer.ts'
import type { OpenLogDatabase } from './open-log-database.ts'

let cluster: TestCluster
let logs: OpenLogDatabase
let db: LogDatabase
let observed: Observation[]

beforeAll(async () => {
  cluster = await openTestCluster()
  logs = await cluster.openLogs()
  db = logs.db
})
beforeEach(async () => {
  observed = []
  await sql`truncate logs.segments, logs.projects restart identity`.execute(db)
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

const KNOWN = new Set(['alpha', 'beta'])

function openWriter(options: Partial<LogWriterOptions> = {}): LogWriter & AsyncDisposable {
  const writer = createLogWriter({
    connection: logs.connection,
    async findProjects(refs) {
      const numbers = await selectProjectNumbers(
        db,
        refs.filter((ref) => KNOWN.has(ref)),
      )
      return new Map([...numbers].map(([ref, number]) => [ref, { number, level: 'info' as const }]))
    },
    observe: (observation) => observed.push(observation),
    flushMs: 20,
    ...options,
  })
  return Object.assign(writer, { [Symbol.asyncDispose]: () => writer.close() })
}

const line = (more: Partial<LogLine> = {}): LogLine => ({ at: Date.now(), level: 'info', service: 'app', ...more })

async function readLines(ref = 'alpha') {
  const { rows } = await sql<{
    message: string | null
    path: string | null
    status: number | null
    fields: unknown
    user_id: string | null
  }>`
    select l.message, l.path, l.status, l.fields::jsonb as fields, l.user_id
    from logs.segments s join logs.projects p on p.number = s.project,
      unnest(s.at, s.message, s.path, s.status, s.fields, s.user_id) as l(at, message, path, status, fields, user_id)
    where p.ref = ${ref} order by s.id, l.at`.execute(db)
  return rows
}

describe('writing', () => {
  test('keeps every line of any shape, in order', async () => {
    await using writer = openWriter()
    const texts = ['plain', 'ünïcødé 🙂', '\0 and \ud800 half', '', 'x'.repeat(12_000)]
    for (const message of texts) writer.write('alpha', line({ message }))
    writer.write('alpha', line({ path: '/a?token=secret', status: 404, durationMs: 1.5, bytes: 3e9, userId: 'u\0', method: 'GET' }))
    writer.write('alpha', line({ fields: { text: '\0\ud800🙂\\u0000', list: [1, { password: 'secret' }], big: 10n } }))
    writer.write('alpha', line({ fields: { text: '\0\ud800🙂\\u0000', list: [1, { password: 'secret' }] } }))
    writer.write('alpha', line({ fields: { long: 'y'.repeat(30_000) } }))
    await writer.flush()
    const rows = await readLines()
    expect(rows.slice(0, 5).map(({ message }) => message)).toEqual([
      'plain',
      'ünïcødé 🙂',
      '\ufffd and \ufffd half',
      '',
      `${'x'.repeat(10_000)}…`,
    ])
    expect(rows[5]).toMatchObject({ path: '/a?token=[redacted]', status: 404, user_id: 'u\ufffd' })
    expect(rows[6]!.fields).toEqual({ unreadable: true })
    expect(rows[7]!.fields).toEqual({ text: '\ufffd\ufffd🙂\\u0000', list: [1, { password: '[redacted]' }] })
    expect(rows[8]!.fields).toEqual({ truncated: expect.stringMatching(/^\{"long":"y+$/) })
    expect(writer.statistics()).toEqual({ written: 9, dropped: 0, waiting: 0, waitingBytes: 0 })
  })

  test('happens by itself a moment after the last line, and at once for many', async () => {
    await using writer = openWriter()
    writer.write('alpha', line())
    await expect.poll(() => writer.statistics().written, { interval: 5 }).toBe(1)
    await using patient = openWriter({ flushMs: 60_000 })
    for (let i = 0; i < 5_000; i += 1) patient.write(i % 2 ? 'alpha' : 'beta', line({ message: `line ${i}` }))
    await expect.poll(() => patient.statistics().written, { interval: 5 }).toBe(5_000)
    expect(await readLines('beta')).toHaveLength(2_500)
  })

  test('leaves out lines of projects that are not there, and levels that a project does not keep', async () => {
    await using writer = openWriter()
    writer.write('nobody', line())
    writer.write('alpha', line({ level: 'debug' }))
    writer.write('alpha', line({ level: 'warn', message: 'kept' }))
    await writer.flush()
    expect((await readLines()).map(({ message }) => message)).toEqual(['kept'])
    expect((await sql`select ref from logs.projects`.execute(db)).rows).toEqual([{ ref: 'alpha' }])
  })

  test('makes the day of a line where there is none', async () => {
    await using writer = openWriter()
    for (const day of ['2031-01-01', '2031-01-02']) writer.write('alpha', line({ at: Date.parse(`${day}T00:00:00Z`), message: day }))
    await writer.flush()
    expect((await readLines()).map(({ message }) => message)).toEqual(['2031-01-01', '2031-01-02'])
  })

  test('drops what is too much for its memory, counts it, and says so in the log', async () => {
    await using writer = openWriter({ limits: { maxBytesPerProject: 4_000, maxBytes: 6_000 }, flushMs: 60_000 })
    for (let i = 0; i < 100; i += 1) writer.write('alpha', line({ message: `line ${i}` }))
    for (let i = 0; i < 100; i += 1) writer.write('beta', line({ message: `line ${i}` }))
    const { waiting, dropped, waitingBytes } = writer.statistics()
    expect(waiting + dropped).toBe(200)
    expect(waitingBytes).toBeLessThanOrEqual(6_000)
    await writer.flush()
    const notices = (await Promise.all(['alpha', 'beta'].map(readLines))).map((lines) => lines.at(-1)!.fields as { dropped: number })
    expect(notices.reduce((sum, notice) => sum + notice.dropped, 0)).toBe(dropped)
  })

  test('a line that the database refuses takes no other project’s lines with it', async () => {
    await using writer = openWriter({ flushMs: 60_000 })
    writer.write('alpha', line({ requestId: 'half of a NUL: \0' }))
    writer.write('beta', line({ message: 'kept' }))
    await writer.flush()
    expect(await readLines('alpha')).toEqual([])
    expect((await readLines('beta')).map(({ message }) => message)).toEqual(['kept'])
    expect(writer.statistics()).toMatchObject({ written: 1, dropped: 1 })
    expect(observed).toMatchObject([{ kind: 'error', code: 'logs.unavailable' }])
  })

  test('goes on after the database was away, and loses nothing meanwhile', async () => {
    await using writer = openWriter()
    for (let i = 0; i < 50; i += 1) {
      writer.write('alpha', line({ message: `line ${i}` }))
      if (i % 10 === 5) {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'polder_logs' and datname = current_database()`.execute(
          db,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await writer.flush()
    const messages = (await readLines()).map(({ message }) => message)
    expect(new Set(messages).size).toBe(50)
  })
})

describe('tidying up', () => {
  const DAY = 86_400_000
  const BOTH = new Map([...KNOWN].map((ref) => [ref, 90]))
  const now = new Date('2032-06-10T12:00:00Z')
  const ago = (days: number) => now.getTime() - days * DAY
  const limits = { maxDays: 30, maxBytesPerProject: 2 ** 30, maxBytes: 2 ** 40 }

  test('keeps for every project what its own settings ask for, and nothing beyond the installation’s', async () => {
    await using writer = openWriter()
    for (const ref of KNOWN) for (const days of [40, 20, 5, 0]) writer.write(ref, line({ at: ago(days), message: `${days} days ago` }))
    await writer.flush()
    await maintainLogs(
      db,
      limits,
      new Map([
        ['alpha', 7],
        ['beta', 90],
      ]),
      now,
    )
    expect((await readLines('alpha')).map(({ message }) => message)).toEqual(['5 days ago', '0 days ago'])
    expect((await readLines('beta')).map(({ message }) => message)).toEqual(['20 days ago', '5 days ago', '0 days ago'])
  })

  test('takes the oldest lines of a project that has too many, and of nobody else', async () => {
    await using writer = openWriter()
    for (let i = 0; i < 20; i += 1) {
      writer.write('alpha', line({ at: ago(1) + i * 60_000, message: `${i} ${'x'.repeat(1000)}` }))
      writer.write('beta', line({ at: ago(1) + i, message: 'small' }))
    }
    await writer.flush()
    await maintainLogs(db, { ...limits, maxBytesPerProject: 10_500 }, BOTH, now)
    expect((await readLines('alpha')).map(({ message }) => Number(message!.split(' ')[0]))).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19])
    expect(await readLines('beta')).toHaveLength(20)
  })

  test('drops the oldest days when all together have too much, but never today', async () => {
    await using writer = openWriter()
    for (const days of [3, 2, 0]) writer.write('alpha', line({ at: ago(days), message: `${days}` }))
    await writer.flush()
    await maintainLogs(db, { ...limits, maxBytes: 1 }, BOTH, now)
    expect((await readLines()).map(({ message }) => message)).toEqual(['0'])
  })

  test('forgets a deleted project', async () => {
    await using writer = openWriter()
    for (const ref of KNOWN) writer.write(ref, line({ message: ref }))
    await writer.flush()
    await deleteProjectLogs(db, 'alpha')
    writer.forget('alpha')
    expect(await readLines('alpha')).toEqual([])
    expect(await readLines('beta')).toHaveLength(1)
    await maintainLogs(db, limits, new Map([['alpha', 90]]), now)
    expect(await readLines('beta')).toEqual([])
  })
})

test('the row types have the columns of the catalogue', async () => {
  const { readFile } = await import('node:fs/promises')
  const source = await readFile(new URL('log-tables.ts', import.meta.url), 'utf8')
  const { rows } = await sql<{ name: string; columns: string[] }>`
    select c.oid::regclass::text as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'logs'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition group by 1, c.oid`.execute(db)
  for (const { name, columns } of rows) {
    const type = new RegExp(`'${name}': (\\w+)`).exec(source)?.[1]
    const body = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(source)?.[1] ?? ''
    expect(
      [...body.matchAll(/^ {2}(\w+):/gm)].map(([, column]) => column),
      name,
    ).toEqual(columns)
  }
})
