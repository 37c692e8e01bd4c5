import { sql } from 'kysely'
import { afterEach, beforeAll, afterAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import type { ProjectScope } from './project-scope.ts'

// A project's function can leave anything in the session that it runs in. The session is used again, by another user of
// the same project: nothing of that may turn what they see or do.

let cluster: TestCluster
let project: TestProject
let attacker: ProjectScope
let victim: ProjectScope

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  await project.runAsOwner(`
    create schema secret;
    create table public.notes (id int primary key, owner text, body text);
    alter table public.notes enable row level security;
    create policy own on public.notes using (owner = (current_setting('request.jwt.claims', true))::json ->> 'sub');
    insert into public.notes values (1, 'attacker', 'mine'), (2, 'victim', 'yours');
    grant select, insert on public.notes to anon, authenticated, service_role;
    create function public.run(code text) returns void language plpgsql as $$ begin execute code; end $$;
    create function public.run_as_owner(code text) returns void language plpgsql security definer as $$ begin execute code; end $$;
    create function public.who() returns text language sql as $$
      select current_user || ' ' || coalesce(current_setting('request.jwt.claims', true)::json ->> 'sub', '') $$`)
  attacker = await project.scope('authenticated', { sub: 'attacker' })
  victim = await project.scope('authenticated', { sub: 'victim' })
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

const request = { method: 'POST', path: '/rpc/run', headers: '{}', cookies: '{}' }

async function ask(scope: ProjectScope, text: string, values: string[] = [], isReadOnly = false): Promise<string | null> {
  const { rows } = await scope.db.asCaller({ text, values, isReadOnly, request, searchPath: ['public'] })
  return rows[0]?.[0]?.toString() ?? null
}

const poison = (code: string) => ask(attacker, 'select public.run($1)', [code])

afterEach(async () => {
  // whatever was done, the victim is the victim, and reads and writes as such
  expect(await ask(victim, 'select public.who()')).toBe('authenticated victim')
  expect(await ask(victim, `select string_agg(body, ',') from public.notes`)).toBe('yours')
  expect(await ask(victim, `insert into public.notes values (3, 'victim', 'new') returning id`)).toBe('3')
  await cluster.control.query('select 1')
  await project.runAsOwner('delete from public.notes where id = 3')
})

test('one session serves both', async () => {
  const pid = await ask(attacker, 'select pg_backend_pid()')
  expect(await ask(victim, 'select pg_backend_pid()')).toBe(pid)
})

test('role', async () => {
  for (const role of ['service_role', 'anon', 'none']) {
    await poison(`select set_config('role', '${role}', false)`)
    expect(await ask(victim, 'select current_user')).toBe('authenticated')
  }
})

test('claims, also under the old names of PostgREST', async () => {
  await poison(`select set_config('request.jwt.claims', '{"sub":"attacker","role":"service_role"}', false)`)
  await poison(`select set_config('request.jwt.claim.sub', 'attacker', false), set_config('request.jwt.claim.role', 'service_role', false)`)
  expect(await ask(victim, `select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), 'nothing')`)).toBe('nothing')
  expect(
    await ask(victim, `select coalesce(auth.uid()::text, 'none') || ' ' || coalesce(auth.role(), 'none')`).catch(() => 'none'),
  ).not.toContain('service')
})

test('settings of their own', async () => {
  await poison(`select set_config('app.tenant', 'attacker', false), set_config('request.headers', '{"x-admin":"1"}', false)`)
  expect(await ask(victim, `select coalesce(current_setting('app.tenant', true), '') || current_setting('request.headers')`)).toBe('{}')
})

test('search path', async () => {
  await poison(`select set_config('search_path', 'secret, public', false)`)
  expect(await ask(victim, `select current_setting('search_path')`)).toBe('"public", pg_temp')
})

test.each([
  ['statement_timeout', '0', '30s'],
  ['lock_timeout', '1', '0'],
  ['row_security', 'off', 'on'],
  ['TimeZone', 'Asia/Tokyo', 'UTC'],
  ['DateStyle', 'German', 'ISO, MDY'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-15', '1'],
  ['standard_conforming_strings', 'off', 'on'],
  ['default_transaction_read_only', 'on', 'off'],
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['transaction_timeout', '1', '0'],
  ['idle_session_timeout', '1', '0'],
  ['client_encoding', 'LATIN1', 'UTF8'],
  ['plan_cache_mode', 'force_generic_plan', 'auto'],
  ['enable_indexscan', 'off', 'on'],
])('%s', async (name, value, expected) => {
  await poison(`select set_config('${name}', '${value}', false)`).catch(() => {})
  expect(await ask(victim, `select current_setting($1)`, [name])).toBe(expected)
  expect(await ask(victim, `select 'ä€'`)).toBe('ä€')
})

test('a temporary table in place of a table', async () => {
  // The three roles cannot make one, but a function that runs as the owner can.
  await ask(attacker, 'select public.run_as_owner($1)', [
    `create temp table notes as select 2 id, 'victim'::text as owner, 'forged'::text as body; grant all on pg_temp.notes to public`,
  ])
  expect(await ask(victim, `select string_agg(body, ',') from notes`)).toBe('yours')
  await ask(attacker, 'select public.run_as_owner($1)', [
    'create temp table pg_class as select 1 as x; grant all on pg_temp.pg_class to public',
  ])
  expect(Number(await ask(victim, 'select count(*) from pg_class'))).toBeGreaterThan(100)
})

test('prepared statements taken away, and names occupied', async () => {
  await ask(victim, 'select count(*) from public.notes')
  await poison('deallocate all')
  expect(await ask(victim, 'select count(*) from public.notes')).toBe('1')
  await poison(`prepare mine as select 'attacker'`)
  const guess = await ask(attacker, `select name from pg_prepared_statements where name ~ '[0-9]$' order by prepare_time desc limit 1`)
  const [, prefix, number] = /^(.*?)(\d+)$/.exec(guess ?? '') ?? []
  for (let next = Number(number) + 1; next < Number(number) + 8; next += 1) {
    await poison(`prepare "${prefix}${next}" as select 'attacker'`).catch(() => {})
  }
  expect(await ask(victim, `select 'a new shape of mine'`)).toBe('a new shape of mine')
})

test('LISTEN: the session is not used again once it was notified', async () => {
  await poison('listen gossip')
  const before = await ask(victim, 'select pg_backend_pid()')
  await ask(victim, `select pg_notify('gossip', 'hello')`)
  expect(await ask(victim, 'select pg_backend_pid()')).not.toBe(before)
})

test('an advisory lock is gone with the next statement of the session', async () => {
  await poison('select pg_advisory_lock(42)')
  expect(await ask(victim, `select count(*) from pg_locks where locktype = 'advisory' and objid = 42`)).toBe('0')
})

test('settings stored with the login itself do not reach the next session', async () => {
  const settings = [
    'role = service_role',
    `search_path = 'secret'`,
    'statement_timeout = 1',
    'default_transaction_read_only = on',
    'row_security = off',
  ]
  settings.push(`"TimeZone" = 'Asia/Tokyo'`, 'idle_session_timeout = 1', 'idle_in_transaction_session_timeout = 1', 'lock_timeout = 1')
  for (const login of ['authenticator', 'platform'] as const) {
    const client = await project.connect(login)
    for (const setting of settings) await client.query(`alter role current_user set ${setting}`)
    await client.end()
  }
  await cluster.pools.closeProject(project.ref)
  const names = [
    'search_path',
    'statement_timeout',
    'default_transaction_read_only',
    'row_security',
    'TimeZone',
    'idle_session_timeout',
    'lock_timeout',
  ]
  const seen = await ask(victim, `select array_agg(current_setting(name))::text from unnest($1::text[]) name`, [`{${names.join()}}`])
  expect(seen).toBe('{"\\"public\\", pg_temp",30s,off,on,UTC,0,0}')
  const mine = await victim.db.asOwner(
    async (tx) =>
      (
        await sql`select current_user::text as name, current_setting('search_path') as path, current_setting('statement_timeout') as timeout`.execute(
          tx,
        )
      ).rows,
  )
  expect(mine).toEqual([{ name: `project_${project.ref}_platform`, path: 'pg_catalog,pg_temp', timeout: '5s' }])
})
