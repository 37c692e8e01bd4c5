import type { SqlRun } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDatabaseAdapter } from './index.ts'

let cluster: TestCluster
let alpha: TestProject
let project: ProjectScope
const changed: string[] = []
const adapter = createDatabaseAdapter({ onSchemaChanged: (ref) => void changed.push(ref), observe: () => undefined, sqlTimeoutMs: 1_000 })
const patient = createDatabaseAdapter({ onSchemaChanged: () => undefined, observe: () => undefined })

beforeAll(async () => {
  cluster = await openTestCluster()
  alpha = await cluster.createProject()
  project = await alpha.member('database.execute')
})
afterAll(() => cluster?.[Symbol.asyncDispose]())
beforeEach(() => void changed.splice(0))

const run = (sql: string, maxRows = 100): Promise<SqlRun> => adapter.runSql(project, { sql, maxRows })
const backends = async (): Promise<number> => {
  const { rows } = await cluster.control.query(
    `select count(*)::int as n from pg_stat_activity where usename = 'project_' || $1 || '_owner'`,
    [alpha.ref],
  )
  return rows[0].n
}
const untilGone = async (): Promise<void> => {
  for (let attempt = 0; (await backends()) > 0; attempt++) {
    if (attempt === 50) throw new Error('a backend of the run is still there')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('results', () => {
  test('one for each statement, values as Postgres prints them', async () => {
    const { results, failure, commands } = await run(`
      create table notes (id bigint generated always as identity primary key, body text, at timestamptz, flag boolean, raw bytea);
      insert into notes (body, at, flag, raw) values ('a', '2026-01-02 03:04:05+00', true, '\\xdead'), (null, null, null, null);
      select * from notes order by id;
      select 1 as same, 2 as same;
      update notes set body = 'b' where id = 99`)
    expect(failure).toBeNull()
    expect(results.map(({ command }) => command)).toEqual(['CREATE TABLE', 'INSERT 0 2', 'SELECT 2', 'SELECT 1', 'UPDATE 0'])
    expect(results[1]?.rowCount).toBe(2)
    expect(results[2]?.rows).toEqual([
      ['1', 'a', '2026-01-02 03:04:05+00', 't', '\\xdead'],
      ['2', null, null, null, null],
    ])
    expect(results[2]?.columns).toEqual([
      { name: 'id', type: 'bigint' },
      { name: 'body', type: 'text' },
      { name: 'at', type: 'timestamp with time zone' },
      { name: 'flag', type: 'boolean' },
      { name: 'raw', type: 'bytea' },
    ])
    expect(results[3]).toMatchObject({ columns: [{ name: 'same' }, { name: 'same' }], rows: [['1', '2']] })
    expect(commands).toEqual({ 'CREATE TABLE': 1, INSERT: 1, SELECT: 2, UPDATE: 1 })
  })

  test('nothing but comments gives nothing', async () => {
    expect(await run('-- nothing here\n;;')).toMatchObject({ results: [], failure: null })
  })

  test('types of the project have their names', async () => {
    await run(`create type mood as enum ('sad', 'glad')`)
    expect((await run(`select 'glad'::mood as m, 1.5::numeric(10,2) as n, array['sad'::mood] as l`)).results[0]?.columns).toEqual([
      { name: 'm', type: 'public.mood' },
      { name: 'n', type: 'numeric(10,2)' },
      { name: 'l', type: 'public.mood[]' },
    ])
  })

  test('notices are kept in order, a flood of them is counted', async () => {
    const { notices } = await run(`do $$ begin for i in 1..5000 loop raise notice 'number %', i; end loop; end $$`)
    expect(notices.slice(0, 2)).toEqual(['NOTICE: number 1', 'NOTICE: number 2'])
    expect(notices).toHaveLength(101)
    expect(notices.at(-1)).toBe('4900 further notices are not shown.')
  })
})

describe('transactions', () => {
  test('a failure rolls the whole script back', async () => {
    const { results, failure } = await run(`create table gone (id int); insert into gone values (1); select 1/0`)
    expect(results).toHaveLength(2)
    expect(failure).toMatchObject({ sqlState: '22012' })
    expect((await run(`select to_regclass('public.gone') is null as is_gone`)).results[0]?.rows).toEqual([['t']])
  })

  test('what the script itself committed stays', async () => {
    await run(`begin; create table kept (id int); commit; select 1/0`)
    expect((await run(`select count(*) from kept`)).failure).toBeNull()
  })

  test('a transaction left open is rolled back, and says so', async () => {
    const { failure, notices } = await run(`begin; create table left_open (id int)`)
    expect(failure).toBeNull()
    expect(notices.at(-1)).toContain('rolled back')
    expect((await run(`select to_regclass('public.left_open') is null`)).results[0]?.rows).toEqual([['t']])
  })

  test('nothing of a session outlives its run', async () => {
    await run(`set search_path = nowhere; create temp table t (id int); listen here; select pg_advisory_lock(1); prepare p as select 1`)
    await untilGone()
    const { results } = await run(`show search_path; select count(*) from pg_prepared_statements; select to_regclass('t') is null`)
    expect(results.map(({ rows }) => rows[0]?.[0])).toEqual(['"$user",public,extensions', '0', 't'])
  })
})

describe('failures', () => {
  test('are placed in the text that was submitted, past statements and astral characters', async () => {
    const sql = `select '😀😀é' as ok;\r\n-- 😀 comment\nselect 1;\n  select '😀', nowhere from notes`
    const { failure } = await run(sql)
    expect(failure).toMatchObject({ sqlState: '42703', line: 4, column: 15 })
    expect(sql.slice(failure?.offset ?? 0, (failure?.offset ?? 0) + 7)).toBe('nowhere')
  })

  test('a syntax error is found before anything runs', async () => {
    const { results, failure } = await run(`create table never (id int);\nselct 1`)
    expect(results).toEqual([])
    expect(failure).toMatchObject({ sqlState: '42601', line: 2, column: 1, offset: 29 })
  })

  test('at the end of the text', async () => {
    expect((await run('select (1')).failure).toMatchObject({ sqlState: '42601', line: 1, column: 10 })
  })

  test('inside a function tell where', async () => {
    const { failure } = await run(`do $$ begin raise exception 'no' using hint = 'try', detail = 'because', errcode = 'P0042'; end $$`)
    expect(failure).toMatchObject({ sqlState: 'P0042', message: 'no', hint: 'try', detail: 'because', line: null })
    expect(failure?.context).toContain('inline_code_block line 1 at RAISE')
  })

  test('a message of a million characters is cut', async () => {
    const { failure } = await run(`do $$ begin raise exception '%', repeat('x', 1000000); end $$`)
    expect(failure?.message.length).toBeLessThan(10_100)
  })

  test('a session that ends itself', async () => {
    expect((await run('select pg_terminate_backend(pg_backend_pid())')).failure).toMatchObject({ sqlState: '57P01' })
    expect(changed).toEqual([alpha.ref])
  })
})

describe('news of changed schemas', () => {
  test.each([
    ['select 1', 0],
    [`insert into notes (body) values ('x'); update notes set body = 'y'; delete from notes where id > 5`, 0],
    ['begin; set local role anon; show role; commit', 0],
    ['create table n1 (id int)', 1],
    ['select 1 as id into n2', 1],
    ['create table n3 as select 1 as id', 1],
    ['do $$ begin end $$', 1],
    ['grant select on notes to anon', 1],
    ['comment on table notes is null', 1],
    [`notify pgrst, 'reload schema'`, 1],
  ])('%s: %i', async (sql, times) => {
    expect((await run(sql)).failure).toBeNull()
    expect(changed).toHaveLength(times)
  })

  test('a listener that fails does not fail the run', async () => {
    const seen: unknown[] = []
    const failing = createDatabaseAdapter({
      onSchemaChanged: () => Promise.reject(new Error('no cache')),
      observe: (observation) => void seen.push(observation),
    })
    expect((await failing.runSql(project, { sql: 'create table n9 (id int)', maxRows: 1 })).failure).toBeNull()
    expect(seen).toMatchObject([{ kind: 'error', ref: alpha.ref }])
  })
})

describe('endless SQL', () => {
  test.each([
    ['sleeps', `set statement_timeout = 0; select pg_sleep(99)`],
    ['computes', `select count(*) from generate_series(1, 1000000000) a`],
    [
      'catches the cancel',
      `set statement_timeout = 0; do $$ begin loop begin perform pg_sleep(99); exception when query_canceled then null; end; end loop; end $$`,
    ],
    ['never ends its answer', `select generate_series(1, 1000000000000)`],
    ['floods with notices', `do $$ begin loop raise notice 'x'; end loop; end $$`],
    ['copies out without end', `copy (select generate_series(1, 1000000000000)) to stdout`],
  ])('%s: ended at the limit, with nothing left running', async (_name, sql) => {
    const startedAt = performance.now()
    const { failure } = await run(sql)
    expect(failure).toMatchObject({ sqlState: '57014', message: 'The run took longer than 1 s and was cancelled.' })
    expect(performance.now() - startedAt).toBeLessThan(1_000 + 2_000)
    await untilGone()
  })

  test('waiting for a lock ends at the limit too', async () => {
    const other = await alpha.connect('owner')
    await other.query('begin; lock table notes')
    expect((await run('select * from notes')).failure).toMatchObject({ sqlState: '57014' })
    await other.query('rollback')
    await other.end()
  })
})

test('more runs at once than the owner has connections: each ends well or says why it could not begin', async () => {
  const runs = await Promise.allSettled(Array.from({ length: 12 }, () => run('select pg_sleep(0.2)')))
  const codes = runs.map((one) => (one.status === 'fulfilled' ? (one.value.failure?.sqlState ?? 'good') : one.reason.code))
  expect(codes).toContain('good')
  expect(codes.filter((code) => code !== 'good' && code !== 'project.connections_exhausted')).toEqual([])
  await untilGone()
  expect((await run('select 1')).failure).toBeNull()
})

describe('large answers', () => {
  test('five million rows are counted, not held', async () => {
    const before = process.memoryUsage().rss
    const { results, failure } = await patient.runSql(project, {
      sql: `select i, 'row ' || i from generate_series(1, 5000000) i`,
      maxRows: 1000,
    })
    expect(failure).toBeNull()
    expect(results[0]).toMatchObject({ rowCount: 5_000_000, isTruncated: true, command: 'SELECT 5000000' })
    expect(results[0]?.rows).toHaveLength(1000)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
  })

  test('wide rows stop at the budget', async () => {
    const { results } = await run(`select repeat('x', 1000000) from generate_series(1, 50)`)
    expect(results[0]).toMatchObject({ rowCount: 50, isTruncated: true })
    expect(results[0]?.rows.length).toBeLessThanOrEqual(8)
  })

  test('a value of half a gigabyte is refused before it is held', async () => {
    const { failure } = await patient.runSql(project, { sql: `select repeat('x', 500000000)`, maxRows: 10 })
    expect(failure).toMatchObject({ sqlState: '54000' })
    await untilGone()
  })

  test('a script of thousands of statements', async () => {
    const { results, commands, notices } = await run('select 1;'.repeat(5_000))
    expect(commands).toEqual({ SELECT: 5_000 })
    expect(results).toHaveLength(200)
    expect(notices).toEqual(['The results of 4800 further statements are not shown.'])
  })
})

describe('COPY', () => {
  test('from a file that nobody can send is refused, not waited for', async () => {
    const { failure } = await run('copy notes (body) from stdin')
    expect(failure?.message).toContain('psql')
    expect((await run('select 1')).failure).toBeNull()
  })

  test('to the client shows its lines', async () => {
    const { results } = await run(`copy (select 1 as a, 'x' as b union all select 2, null) to stdout with (header true)`)
    expect(results).toMatchObject([
      { command: 'COPY 2', columns: [{ name: 'COPY', type: 'text' }], rows: [['a\tb'], ['1\tx'], ['2\t\\N']] },
    ])
  })

  test.each([`copy notes to '/tmp/x'`, `copy notes from '/etc/passwd'`, `copy notes from program 'id'`])(
    '%s is the server’s to refuse',
    async (sql) => {
      expect((await run(sql)).failure).toMatchObject({ sqlState: '42501' })
    },
  )
})

describe('walls', () => {
  test('the owner is who it is, whatever it resets', async () => {
    const { results } = await run(
      `select current_user, session_user; set role anon; select current_user; reset role; select current_user; reset session authorization; select session_user`,
    )
    const owner = `project_${alpha.ref}_owner`
    expect(results.filter(({ rows }) => rows.length > 0).map(({ rows }) => rows[0]?.[0])).toEqual([owner, 'anon', owner, owner])
  })

  test.each([
    'set role platform_ctl',
    'set role platform_internal',
    'set role postgres',
    'set session authorization postgres',
    'set role platform_repl',
    'create role intruder superuser',
    'alter role anon superuser',
    'select * from pg_authid',
    `select pg_read_file('/etc/passwd')`,
    `select lo_import('/etc/passwd')`,
    'alter system set log_min_messages = debug5',
    'create database another',
    "load 'auto_explain'",
  ])('%s is refused', async (sql) => {
    const { failure } = await run(sql)
    expect(failure?.sqlState).toMatch(/^(?:42501|0LP01|42704|22023|25001|58P01)$/)
  })

  test('another project cannot be seen', async () => {
    const beta = await cluster.createProject()
    await beta.runAsOwner('create table secret_of_beta (id int)')
    expect((await run('select * from secret_of_beta')).failure).toMatchObject({ sqlState: '42P01' })
    expect((await run(`set role project_${beta.ref}_owner`)).failure).toMatchObject({ sqlState: '42501' })
  })
})
