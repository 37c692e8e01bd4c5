import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../../testing/test-cluster.ts'

let cluster: TestCluster
let project: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

test('the row types have the columns of the catalogue, no more and no fewer', async () => {
  const { rows } = await project.runAsOwner(`
    select 'auth.' || c.relname as name, array_agg(a.attname::text order by a.attname) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'auth'::regnamespace and c.relkind = 'r' group by 1`)
  const fromCatalogue = Object.fromEntries(rows.map(({ name, columns }) => [name, columns]))
  expect(await readTypes()).toEqual(fromCatalogue)
})

/** Reads the interfaces as text: types are gone when the test runs. */
async function readTypes(): Promise<Record<string, string[]>> {
  const source = await readFile(new URL('auth.ts', import.meta.url), 'utf8')
  const tables = [...source.matchAll(/'(auth\.\w+)': (\w+)/g)]
  return Object.fromEntries(
    tables.map(([, table, type]) => {
      const body = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(source)?.[1] ?? ''
      return [table, [...body.matchAll(/^ {2}(\w+):/gm)].map(([, column]) => column!).toSorted()]
    }),
  )
}

test('what Supabase users do with auth.users loads: foreign key, trigger, view, seed with a bcrypt hash', async () => {
  await project.runAsOwner(`
    create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, email text, aud text);
    create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
    begin
      insert into public.profiles (id, email, aud) values (new.id, new.email, new.aud);
      return new;
    end $$;
    create trigger on_auth_user_created after insert on auth.users for each row execute procedure public.handle_new_user();
    create view public.addresses as select id, email, confirmed_at from auth.users;
    insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
        raw_user_meta_data, created_at, updated_at, confirmation_token, email_change, email_change_token_new, recovery_token)
      values ('00000000-0000-0000-0000-000000000000', '11111111-1111-4111-8111-111111111111', 'authenticated', 'authenticated',
        'seed@example.com', extensions.crypt('password', extensions.gen_salt('bf')), current_timestamp,
        '{"provider":"email","providers":["email"]}', '{}', current_timestamp, current_timestamp, '', '', '', '');
    insert into auth.identities (id, user_id, provider_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
      values (gen_random_uuid(), '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111',
        '{"sub": "11111111-1111-4111-8111-111111111111", "email": "Seed@Example.com"}', 'email', now(), now(), now());`)
  const { rows } = await project.runAsOwner(`
    select p.email, a.confirmed_at is not null as confirmed, i.email as identity
    from public.profiles p join public.addresses a using (id) join auth.identities i on i.user_id = p.id`)
  expect(rows).toEqual([{ email: 'seed@example.com', confirmed: true, identity: 'seed@example.com' }])
})

test('the data API’s roles cannot read the tables, and the owner cannot change what they are', async () => {
  for (const role of ['anon', 'authenticated', 'service_role']) {
    await expect(project.runAsOwner(`set role ${role}; select * from auth.users`)).rejects.toThrow(/permission denied for table users/)
  }
  for (const sql of [
    'drop table auth.sessions',
    'alter table auth.users add column x int',
    'alter table auth.users disable row level security',
    'drop policy project_owner on auth.users',
    'create table auth.mine (id int)',
    'create or replace function auth.uid() returns uuid language sql as $$ select null::uuid $$',
    'drop function auth.uid()',
  ]) {
    await expect(project.runAsOwner(sql), sql).rejects.toThrow(/must be owner|permission denied/)
  }
})

test('the owner may let others read, as in Supabase', async () => {
  await project.runAsOwner(`grant select on auth.users to authenticated;
    set role authenticated; select count(*) from auth.users; reset role; revoke select on auth.users from authenticated`)
})

const claims = { sub: '22222222-2222-4222-8222-222222222222', role: 'authenticated', email: 'a@example.com', aal: 'aal1' }

test('auth.uid(), role(), email() and jwt() read the claims, the older settings first', async () => {
  const client = await project.connect('owner')
  const ask = async () =>
    (await client.query('select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() as jwt')).rows[0]
  expect(await ask()).toEqual({ uid: null, role: null, email: null, jwt: null })
  await client.query(`select set_config('request.jwt.claims', $1, false)`, [JSON.stringify(claims)])
  expect(await ask()).toEqual({ uid: claims.sub, role: claims.role, email: claims.email, jwt: claims })
  await client.query(`select set_config('request.jwt.claims', '', false)`)
  expect(await ask()).toEqual({ uid: null, role: null, email: null, jwt: null })
  const older = '33333333-3333-4333-8333-333333333333'
  await client.query(`select set_config('request.jwt.claim.sub', $1, false), set_config('request.jwt.claim.role', 'anon', false)`, [older])
  await client.query(`select set_config('request.jwt.claim.email', 'b@example.com', false)`)
  expect(await ask()).toMatchObject({ uid: older, role: 'anon', email: 'b@example.com' })
})

test('the functions are inlined into policies and plans', async () => {
  await project.runAsOwner(`
    create table public.notes (id int primary key, owner uuid); alter table public.notes enable row level security;
    create policy mine on public.notes using (owner = auth.uid() and auth.role() = 'authenticated'); grant select on public.notes to authenticated;`)
  const client = await project.connect('owner')
  await client.query('set role authenticated')
  for (const query of ['select * from public.notes', 'select auth.uid(), auth.role(), auth.email(), auth.jwt()']) {
    const { rows } = await client.query(`explain (verbose) ${query}`)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/current_setting/)
    expect(plan).not.toMatch(/auth\.(uid|role|email|jwt)\(/)
  }
})

test('a session’s search_path cannot change what they answer', async () => {
  await project.runAsOwner(`
    create schema evil; grant usage on schema evil to authenticated;
    create function evil.current_setting(text, boolean) returns text language sql as $$ select '{"sub":"99999999-9999-4999-8999-999999999999"}' $$;
    create function evil.steal(jsonb, text) returns text language sql as $$ select '99999999-9999-4999-8999-999999999999' $$;
    create operator evil.->> (leftarg = jsonb, rightarg = text, function = evil.steal);
    create function evil.never(text, text) returns boolean language sql as $$ select false $$;
    create operator evil.<> (leftarg = text, rightarg = text, function = evil.never);
    create operator evil.= (leftarg = text, rightarg = text, function = evil.never);
    create domain evil.uuid as text; create domain evil.jsonb as text; create domain evil.text as pg_catalog.int4;`)
  const client = await project.connect('owner')
  await client.query('set search_path = evil, pg_catalog')
  const trap = await client.query(`select '{"sub":"mine"}'::pg_catalog.jsonb ->> 'sub'::pg_catalog.text as sub`)
  expect(trap.rows[0].sub).toMatch(/^9999/)
  await client.query(`select pg_catalog.set_config('request.jwt.claims', $1, false)`, [JSON.stringify(claims)])
  const { rows } = await client.query(`select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() as jwt`)
  expect(rows[0]).toEqual({ uid: claims.sub, role: claims.role, email: claims.email, jwt: claims })
})
