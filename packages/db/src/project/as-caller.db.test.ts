import { isServiceError, type AppCaller } from '@polder/core'
import fc from 'fast-check'
import { DatabaseError } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import type { CallerStatement } from './project-database.ts'
import type { ProjectScope } from './project-scope.ts'

let cluster: TestCluster
let project: TestProject
let anon: ProjectScope
let user: ProjectScope

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  await project.runAsOwner(`
    create table public.notes (id int primary key, owner uuid, body text);
    alter table public.notes enable row level security;
    create policy own on public.notes using (owner = ((current_setting('request.jwt.claims', true))::json ->> 'sub')::uuid);
    grant select, insert, update, delete on public.notes to anon, authenticated, service_role;
    insert into public.notes values (1, '11111111-1111-1111-1111-111111111111', 'one'), (2, '22222222-2222-2222-2222-222222222222', 'two')`)
  anon = await project.scope('anon')
  user = await project.scope('authenticated', { sub: '11111111-1111-1111-1111-111111111111' })
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const request = { method: 'GET', path: '/notes', headers: '{"x":"1"}', cookies: '{}' }

function statement(text: string, values: (string | null)[] = [], more: Partial<CallerStatement> = {}): CallerStatement {
  return { text, values, isReadOnly: false, request, searchPath: ['public'], ...more }
}

async function valueOf(scope: ProjectScope, text: string, values: (string | null)[] = [], more: Partial<CallerStatement> = {}) {
  const { rows } = await scope.db.asCaller(statement(text, values, more))
  return rows[0]?.[0]?.toString() ?? null
}

async function stateOf(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (error instanceof DatabaseError) return error.code
  return isServiceError(error) ? error.code : error === undefined ? 'none' : String(error as Error)
}

const open = () => cluster.router.statistics().pools.get(project.ref)

test('row-level security judges role and claims, statement by statement', async () => {
  const list = `select coalesce(json_agg(id order by id), '[]')::text from public.notes`
  expect(await valueOf(anon, list)).toBe('[]')
  expect(await valueOf(user, list)).toBe('[1]')
  expect(await valueOf(await project.scope('service_role'), list)).toBe('[1, 2]')
  expect(await valueOf(anon, list)).toBe('[]')
})

test('what the platform has judged itself runs as service_role, but a member who may only read still only reads', async () => {
  const count = statement(`select count(*)::text || current_user from public.notes`)
  expect((await anon.db.asService(count)).rows[0]?.[0]?.toString()).toBe('2service_role')
  const reader = await project.member('database.read')
  expect(await stateOf(reader.db.asService(statement('delete from public.notes')))).toBe('25006')
})

test('each of several callers is judged by their own claims, in one go', async () => {
  const callers = [anon, user, await project.scope('service_role'), user].map(({ caller }) => caller as AppCaller)
  const list = statement(`select coalesce(json_agg(id order by id), '[]')::text from public.notes where id > $1`, ['0'])
  const texts = async (of: AppCaller[]) => (await anon.db.asCallers(list, of)).map(({ rows }) => rows[0]?.[0]?.toString())
  expect(await texts(callers)).toEqual(['[]', '[1]', '[1, 2]', '[1]'])
  expect(await texts([])).toEqual([])
  expect(await stateOf(anon.db.asCallers(statement('delete from public.notes'), callers))).toBe('25006')
  expect(await stateOf(anon.db.asCallers(statement(`select 1 / (current_user <> 'service_role')::int`), callers))).toBe('22012')
  await project.runAsOwner('alter table public.notes add column more text')
  const all = statement('select * from public.notes where id = 1')
  expect((await anon.db.asCallers(all, callers)).map(({ rows }) => rows.length)).toEqual([0, 1, 1, 1])
  await project.runAsOwner('alter table public.notes drop column more')
  expect((await anon.db.asCallers(all, callers)).map(({ rows }) => rows[0]?.length)).toEqual([undefined, 3, 3, 3])
})

test('functions see the request, and nothing of it stays', async () => {
  const all = `select json_build_array(current_user, current_setting('request.method'), current_setting('request.path'),
    current_setting('request.headers'), current_setting('request.cookies'), current_setting('search_path'), current_setting('TimeZone'))::text`
  const seen = await valueOf(user, all, [], { searchPath: ['public', 'we"ird; select 1', 'ä'], timeZone: 'Europe/Amsterdam' })
  expect(JSON.parse(seen ?? '')).toEqual([
    'authenticated',
    'GET',
    '/notes',
    '{"x":"1"}',
    '{}',
    '"public", "we""ird; select 1", "ä", pg_temp',
    'Europe/Amsterdam',
  ])
  expect(await valueOf(user, `select current_setting('TimeZone')`)).toBe('UTC')
})

test('further settings and an isolation level hold for one statement, with keep or without', async () => {
  const seen = `select json_build_array(current_setting('app.settings.host', true), current_setting('statement_timeout'),
    current_setting('transaction_isolation'), current_user)::text`
  const settings = [
    ['app.settings.host', `it's`],
    ['statement_timeout', '7s'],
  ] as const
  const wanted = JSON.stringify([`it's`, '7s', 'serializable', 'authenticated'])
  const more = { settings, isolation: 'serializable' } as const
  expect(JSON.parse((await valueOf(user, seen, [], more)) ?? '')).toEqual(JSON.parse(wanted))
  const kept = await user.db.asCaller(statement(seen, [], { ...more, before: 'select 1', timeZone: 'UTC' }), () => true)
  expect(JSON.parse(kept.rows[0]?.[0]?.toString() ?? '')).toEqual(JSON.parse(wanted))
  const [host, ...after] = JSON.parse((await valueOf(user, seen)) ?? '') as unknown[]
  expect([host ?? '', ...after]).toEqual(['', '30s', 'read committed', 'authenticated'])
  expect(await stateOf(user.db.asCaller(statement('select pg_sleep(5)', [], { settings: [['statement_timeout', '50ms']] })))).toBe('57014')
})

test('values come back as bytes, with nulls, many columns and megabytes', async () => {
  const { rows, command } = await user.db.asCaller(statement(`select $1::text, null, $2::text, ''`, ['ä\u{1f600}', null]))
  expect(rows[0]?.map((value) => value?.toString() ?? null)).toEqual(['ä\u{1f600}', null, null, ''])
  expect(command).toBe('SELECT 1')
  const large = await user.db.asCaller(statement(`select repeat('x', 5000000), g from generate_series(1, 3) g`))
  expect(large.rows.map((row) => [row[0]?.length, row[1]?.toString()])).toEqual([
    [5_000_000, '1'],
    [5_000_000, '2'],
    [5_000_000, '3'],
  ])
  const big = 'y'.repeat(3_000_000)
  expect(await valueOf(user, 'select md5($1::text) = md5(repeat($2, 3000000))', [big, 'y'])).toBe('t')
  expect(await valueOf(user, 'select $1::text', ['small again'])).toBe('small again')
})

test('any text travels as a value, and none becomes SQL', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (text) => {
      fc.pre(!text.includes('\0') && text.isWellFormed())
      expect(await valueOf(user, 'select $1::text', [text])).toBe(text)
    }),
    { numRuns: 100 },
  )
  expect(await stateOf(valueOf(user, 'select $1::text', ['a\0b']))).toBe('22021')
  expect(await stateOf(valueOf(user, `select 1 --\0`))).toBe('request.invalid')
  expect(
    await stateOf(
      valueOf(
        user,
        'select 1',
        Array.from({ length: 65_536 }, () => null),
      ),
    ),
  ).toBe('request.too_large')
  expect(await valueOf(user, 'select 1')).toBe('1')
})

test('an error is thrown as Postgres sent it, undoes the statement, and leaves the connection usable', async () => {
  for (let round = 0; round < 3; round += 1) {
    expect(await stateOf(user.db.asCaller(statement('select 1 / $1::int', ['0'])))).toBe('22012')
    expect(await stateOf(user.db.asCaller(statement('select from nothing_here')))).toBe('42P01')
    expect(await stateOf(user.db.asCaller(statement('this is not SQL')))).toBe('42601')
    expect(await stateOf(user.db.asCaller(statement('select 1; select 2')))).toBe('42601')
    expect(await stateOf(user.db.asCaller(statement('select $1::int', ['x'])))).toBe('22P02')
    expect(await stateOf(user.db.asCaller(statement('select $1::int', [])))).toBe('08P01')
    expect(await valueOf(user, 'select $1::int + 1', ['1'])).toBe('2')
  }
  const error = await anon.db.asCaller(statement(`insert into public.notes values (9, null, 'x')`)).catch((caught: DatabaseError) => caught)
  expect(error).toMatchObject({ code: '42501', severity: 'ERROR', message: expect.stringContaining('row-level security') })
})

test('a read-only statement cannot write', async () => {
  const insert = `insert into public.notes values (10, '11111111-1111-1111-1111-111111111111', 'x')`
  expect(await stateOf(user.db.asCaller(statement(insert, [], { isReadOnly: true })))).toBe('25006')
  const reader = await project.member('rest.read', 'viewer')
  expect(await stateOf(reader.db.asCaller(statement(insert)))).toBe('25006')
  expect((await user.db.asCaller(statement(insert))).command).toBe('INSERT 0 1')
})

test('with keep, the transaction stands only if the answer is yes', async () => {
  const insert = (id: number) =>
    statement(`insert into public.notes values (${id}, '11111111-1111-1111-1111-111111111111', 'x') returning id`)
  const count = () => valueOf(user, 'select count(*) from public.notes where id >= 20')
  expect((await user.db.asCaller(insert(20), () => false)).command).toBe('INSERT 0 1')
  expect(await count()).toBe('0')
  expect((await user.db.asCaller(insert(20), ({ rows }) => rows.length === 1)).rows[0]?.[0]?.toString()).toBe('20')
  expect(await count()).toBe('1')
  expect(await stateOf(user.db.asCaller(insert(20), () => true))).toBe('23505')
  const broken = user.db.asCaller(insert(21), () => {
    throw new Error('keep failed')
  })
  expect(await stateOf(broken)).toBe('Error: keep failed')
  const late = anon.db.asCaller(statement(`select 1`), async () => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    throw new Error('late')
  })
  expect(await stateOf(late)).toBe('Error: late')
  expect(await stateOf(anon.db.asCaller(insert(21), () => true))).toBe('42501')
  expect(await count()).toBe('1')
  await user.db.asCaller(statement('delete from public.notes where id >= 10'), () => true)
})

test('a constraint that is checked at commit fails the statement, with keep or without', async () => {
  await project.runAsOwner(`
    create table public.late (id int, unique (id) deferrable initially deferred);
    grant select, insert on public.late to anon`)
  const twice = statement('insert into public.late values (1), (1)')
  expect(await stateOf(anon.db.asCaller(twice))).toBe('23505')
  expect(await stateOf(anon.db.asCaller(twice, () => true))).toBe('23505')
  expect(await valueOf(anon, 'select count(*) from public.late')).toBe('0')
})

test('a changed table is read anew: no stale plan reaches the caller', async () => {
  const all = 'select * from public.notes where id = 1'
  await user.db.asCaller(statement(all))
  await user.db.asCaller(statement(all), () => true)
  await project.runAsOwner('alter table public.notes add column extra text default 1')
  expect((await user.db.asCaller(statement(all))).rows[0]?.length).toBe(4)
  await project.runAsOwner('alter table public.notes drop column extra')
  expect((await user.db.asCaller(statement(all), () => true)).rows[0]?.length).toBe(3)
})

test('a thousand shapes do not fill a session with prepared statements', async () => {
  for (let shape = 0; shape < 1_000; shape += 1) expect(await valueOf(user, `select ${shape}`)).toBe(String(shape))
  const prepared = Number(await valueOf(user, 'select count(*) from pg_prepared_statements'))
  expect(prepared).toBeLessThanOrEqual(260)
  expect(prepared).toBeGreaterThan(100)
})

test('a session killed under a statement fails that statement only; a read is asked again', async () => {
  const pid = async () => Number(await valueOf(user, 'select pg_backend_pid()'))
  const kill = async (id: number) => {
    const { rows } = await cluster.control.query('select pg_terminate_backend($1, 5000)', [id])
    expect(rows).toHaveLength(1)
  }
  await kill(await pid())
  expect(await valueOf(user, 'select 1')).toBe('1')
  const victim = await pid()
  const sleeping = stateOf(user.db.asCaller(statement('select pg_sleep(20)')))
  await new Promise((resolve) => setTimeout(resolve, 100))
  await kill(victim)
  expect(await sleeping).toBe('database.unavailable')
  const reading = valueOf(user, `select 'read' from (select pg_sleep(0.5)) s`, [], { isReadOnly: true })
  await new Promise((resolve) => setTimeout(resolve, 100))
  await kill(
    Number(
      (await cluster.control.query(`select pid from pg_stat_activity where query like '%''read''%' and pid <> pg_backend_pid()`)).rows[0]
        ?.pid,
    ),
  )
  expect(await reading).toBe('read')
  expect(open()?.busy).toBe(0)
})

test('quick reads of many callers share connections, and each gets its own answer or its own error', { timeout: 60_000 }, async () => {
  const others = await Promise.all(['a', 'b', 'c'].map((sub) => project.scope('authenticated', { sub, email: `${sub}@x` })))
  const who = `select current_user::text || (current_setting('request.jwt.claims')::json ->> 'sub') || $1::text, 10 / $2::int`
  const ask = async (index: number, value: string, divisor: number) => {
    const result = others[index]!.db.asCaller(statement(who, [value, String(divisor)], { isReadOnly: true }))
    return result.then(
      ({ rows }) => rows[0]![0]!.toString(),
      (error: DatabaseError) => error.code,
    )
  }
  for (let i = 0; i < 5; i++) await ask(0, 'known', 1)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(2), fc.string({ unit: 'grapheme' }), fc.nat(3)), { minLength: 1, maxLength: 100 }),
      async (asked) => {
        const plain = asked.map(([index, value, divisor]) => [index, value.replaceAll('\0', ''), divisor] as const)
        const answers = await Promise.all(plain.map((each) => ask(...each)))
        const expected = plain.map(([index, value, divisor]) => (divisor === 0 ? '22012' : `authenticated${'abc'[index]}${value}`))
        expect(answers).toEqual(expected)
        expect(open()?.open).toBeLessThanOrEqual(10)
      },
    ),
    { numRuns: 100 },
  )
})

test('who waits behind a read that takes unexpectedly long is answered elsewhere', async () => {
  const sleep = (seconds: number) => valueOf(user, 'select pg_sleep($1)::text', [String(seconds)], { isReadOnly: true })
  for (let i = 0; i < 5; i++) await sleep(0)
  const slow = sleep(3)
  const start = Date.now()
  await Promise.all(Array.from({ length: 100 }, () => sleep(0)))
  expect(Date.now() - start).toBeLessThan(2_500)
  await slow
})

test('reads that share a connection survive its end; none of them is lost', async () => {
  const pid = () => valueOf(user, 'select pg_backend_pid()::text', [], { isReadOnly: true })
  for (let i = 0; i < 5; i++) await pid()
  const pids = new Set(await Promise.all(Array.from({ length: 40 }, pid)))
  const answers = Promise.all(Array.from({ length: 40 }, pid))
  await cluster.control.query('select pg_terminate_backend(pid::int) from unnest($1::text[]) pid', [[...pids]])
  for (const answer of await answers) expect(answer).toMatch(/^\d+$/)
})

test('a write has its connection to itself', async () => {
  await project.runAsOwner('create table public.tickets (pid int); grant insert, select on public.tickets to authenticated')
  const write = () => valueOf(user, 'insert into public.tickets select pg_backend_pid() from pg_sleep(0.2) returning pid')
  const read = () => valueOf(user, 'select pg_backend_pid()::text', [], { isReadOnly: true })
  for (let i = 0; i < 5; i++) await read()
  const writes = Promise.all([write(), write()])
  await new Promise((resolve) => setTimeout(resolve, 50))
  const readers = new Set(await Promise.all(Array.from({ length: 60 }, read)))
  for (const writer of await writes) expect(readers).not.toContain(writer)
})
