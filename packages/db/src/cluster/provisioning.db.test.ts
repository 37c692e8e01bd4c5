import fc from 'fast-check'
import type { Client, QueryResult } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClient } from '../connect.ts'
import { toDatabaseName, toLoginName } from '../project/project-names.ts'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import { toScramVerifier } from './scram.ts'

let cluster: TestCluster
let alpha: TestProject
let superuser: Client
let verifier: string

beforeAll(async () => {
  cluster = await openTestCluster()
  alpha = await cluster.createProject()
  superuser = makeClient({ ...cluster.superuserConnection, database: cluster.platformConnection.database })
  await superuser.connect()
  verifier = await toScramVerifier('password', 1)
})
afterAll(async () => {
  await superuser.end()
  await cluster[Symbol.asyncDispose]()
})

function createRoles(ref: unknown, verifiers: unknown[] = [verifier, verifier, verifier, verifier]): Promise<QueryResult> {
  return cluster.control.query('select provisioning.create_project_roles($1, $2, $3, $4, $5)', [ref, ...verifiers])
}

/** The platform's roles and alpha's, whole; other tests make and drop theirs meanwhile. */
async function readRoles(): Promise<unknown> {
  const { rows } = await superuser.query(
    `select a.*, array(select m from pg_auth_members m where m.member = a.oid order by m.oid) as memberships,
       shobj_description(a.oid, 'pg_authid') as comment, array(select s.setconfig from pg_db_role_setting s where s.setrole = a.oid) as settings
     from pg_authid a where a.rolname !~ '^project_' or a.rolname = 'project_owner' or starts_with(a.rolname, $1) order by a.rolname`,
    [toDatabaseName(alpha.ref)],
  )
  return rows
}

const HOSTILE_REFS = [null, '', 'owner', 'Alpha', 'a_b', '-a', 'a-', 'ä', 'a b', 'a\n', 'a\u00a0', 'x'.repeat(41), 'x'.repeat(60)].concat([
  `a'; drop role anon; --`,
  'a"; drop role anon; --',
  `a' || 'b`,
  'a%I',
  '$1',
  '../x',
  'a;b',
  `x\\'`,
])

describe('a hostile ref', () => {
  test.each(HOSTILE_REFS)('%j is refused by every function', async (ref) => {
    const before = await readRoles()
    const calls = [
      () => createRoles(ref),
      () => cluster.control.query('select provisioning.set_project_password($1, $2, $3)', [ref, 'owner', verifier]),
      () => cluster.control.query('select provisioning.drop_project_roles($1)', [ref]),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: '22023' })
    expect(await readRoles()).toEqual(before)
  })

  test('of whatever text is refused, or names roles of that project alone', async () => {
    const before = await readRoles()
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 50 }).filter((ref) => !ref.includes('\0')),
      fc.string({ unit: fc.constantFrom(...`az09-_'"\\;% \n$AÉ`), maxLength: 12 }),
    )
    const isRef = (ref: string) => /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(ref) && ref !== 'owner'
    await fc.assert(
      fc.asyncProperty(text, async (ref) => {
        const call = cluster.control.query('select provisioning.drop_project_roles($1)', [ref])
        if (isRef(ref)) await call
        else await expect(call).rejects.toMatchObject({ code: '22023' })
      }),
      { numRuns: 300 },
    )
    expect(await readRoles()).toEqual(before)
  })
})

describe('a hostile verifier', () => {
  const hostile = () => [
    null,
    '',
    'password',
    'md5' + 'a'.repeat(32),
    'SCRAM-SHA-256$',
    `${verifier}'`,
    `${verifier} superuser`,
    ` ${verifier}`,
    `${verifier}\n`,
    verifier.toLowerCase(),
    verifier.replace('$1:', '$0:'),
    verifier.replace('$1:', '$99999999:'),
    verifier.replace('=:', `'; alter role platform_ctl superuser; --:`),
  ]

  test('is refused in each place, and nothing is left', async () => {
    const before = await readRoles()
    for (const bad of hostile()) {
      for (let place = 0; place < 4; place += 1) {
        const verifiers = [0, 1, 2, 3].map((index) => (index === place ? bad : verifier))
        await expect(createRoles('never', verifiers), String(bad)).rejects.toMatchObject({ code: '22023' })
      }
      const call = cluster.control.query('select provisioning.set_project_password($1, $2, $3)', [alpha.ref, 'owner', bad])
      await expect(call, String(bad)).rejects.toMatchObject({ code: '22023' })
    }
    expect(await readRoles()).toEqual(before)
    expect((await superuser.query(`select from pg_roles where rolname ~ '^project_never'`)).rowCount).toBe(0)
  })

  test.each([null, '', 'Owner', 'template', 'owner"; drop role anon; --', 'owner_x'])(
    'for the login %j: there is no such one',
    async (login) => {
      const call = cluster.control.query('select provisioning.set_project_password($1, $2, $3)', [alpha.ref, login, verifier])
      await expect(call).rejects.toMatchObject({ code: '22023' })
    },
  )
})

test('platform_ctl can do nothing to roles itself, and nothing to the functions', async () => {
  const before = await readRoles()
  const [group, login] = [toDatabaseName(alpha.ref), toLoginName(alpha.ref, 'owner')]
  const statements = [
    'create role evil',
    'create role evil superuser',
    `create role "project_evil_owner" login`,
    'alter role platform_ctl createrole',
    'alter role platform_ctl bypassrls',
    'alter role platform_ctl superuser',
    'alter role anon login',
    'alter role postgres password null',
    `alter role "${login}" password 'x'`,
    `alter role "${login}" bypassrls`,
    `alter role "${login}" set search_path = evil`,
    `alter role "${login}" rename to evil`,
    `drop role "${login}"`,
    `comment on role "${login}" is 'tombstone'`,
    `grant "${group}" to platform_ctl`,
    `grant "${login}" to platform_ctl`,
    `grant service_role to platform_ctl`,
    `grant anon to "${login}"`,
    `grant pg_read_all_data to "${login}"`,
    `revoke anon from "${login}"`,
    `set role "${login}"`,
    'set role service_role',
    'set role postgres',
    `set session authorization "${login}"`,
    'drop schema provisioning cascade',
    'alter schema provisioning rename to mine',
    'alter schema provisioning owner to platform_ctl',
    'create function provisioning.evil() returns int language sql as $$ select 1 $$',
    `create or replace function provisioning.to_group(ref text) returns text language sql as $$ select 'postgres' $$`,
    'alter function provisioning.drop_tombstones owner to platform_ctl',
    'alter function provisioning.drop_tombstones set search_path = public',
    'drop function provisioning.drop_tombstones',
    `select provisioning.to_group('a')`,
    `select provisioning.require_verifier('a')`,
    `select provisioning.lock_project('a')`,
    `select provisioning.put_role('evil', 'superuser', null)`,
    `select provisioning.drop_or_bury('anon')`,
  ]
  for (const statement of statements) {
    await expect(cluster.control.query(statement), statement).rejects.toMatchObject({ code: '42501' })
  }
  expect(await readRoles()).toEqual(before)
})

test('what a session of platform_ctl sets or shadows does not reach into the functions', async () => {
  const before = await readRoles()
  const client = makeClient(cluster.platformConnection)
  await client.connect()
  await client.query(`
    create schema evil;
    create function evil.to_group(ref text) returns text language sql as $$ select 'postgres' $$;
    create function evil.format(text, variadic text[]) returns text language sql as $$ select 'alter role platform_ctl superuser' $$;
    create function evil.no(text, text) returns boolean language sql as $$ select false $$;
    create operator evil.!~ (leftarg = text, rightarg = text, function = evil.no);
    create temp table pg_roles as select 'project_shadow'::name as rolname, true as rolsuper, true as rolbypassrls, 10::oid as oid;
    create temp table pg_auth_members (roleid oid, member oid, grantor oid);
    set search_path = evil, pg_temp, pg_catalog;
    set standard_conforming_strings = off;
    set createrole_self_grant = 'set, inherit';
  `)
  await client.query('select provisioning.create_project_roles($1, $2, $2, $2, $2)', ['shadow', verifier])
  await expect(client.query('select provisioning.drop_project_roles($1)', ['SHADOW'])).rejects.toMatchObject({ code: '22023' })
  const { rows } = await superuser.query(`select rolname::text as name from pg_roles where rolname ~ '^project_shadow' order by 1`)
  expect(rows.map(({ name }) => name)).toEqual(
    ['', '_authenticator', '_backup', '_owner', '_platform'].map((suffix) => `project_shadow${suffix}`),
  )
  await client.query('select provisioning.drop_project_roles($1)', ['shadow'])
  await client.query('drop schema evil cascade')
  await client.end()
  expect(await readRoles()).toEqual(before)
})

test('nobody but platform_ctl may call them', async () => {
  const { rows } = await superuser.query(
    `select p.proname as name, array(select r.rolname::text from pg_roles r where not r.rolsuper and has_function_privilege(r.oid, p.oid, 'execute')) as callers,
       p.prosecdef as definer, p.proconfig as settings, p.proowner::regrole::text as owner
     from pg_proc p where p.pronamespace = 'provisioning'::regnamespace order by 1`,
  )
  const called = rows.filter(({ callers }) => callers.length > 0)
  expect(called.map(({ name, callers, definer }) => [name, callers, definer])).toEqual(
    ['create_project_roles', 'drop_project_roles', 'drop_tombstones', 'set_project_password'].map((name) => [name, ['platform_ctl'], true]),
  )
  for (const { settings, owner } of rows) expect([settings, owner]).toEqual([['search_path=pg_catalog, pg_temp'], 'postgres'])
  const schema = await superuser.query(
    `select rolname::text as name, has_schema_privilege(oid, 'provisioning', 'usage') as may from pg_roles where rolname in ('platform_ctl', 'anon', 'platform_internal', 'project_owner', $1)`,
    [toLoginName(alpha.ref, 'owner')],
  )
  expect(schema.rows.filter(({ may }) => may)).toEqual([{ name: 'platform_ctl', may: true }])
})

test('twenty calls for the same project at once all succeed', async () => {
  await Promise.all(Array.from({ length: 20 }, () => createRoles('crowded')))
  await Promise.all(Array.from({ length: 20 }, () => cluster.control.query('select provisioning.drop_project_roles($1)', ['crowded'])))
  expect((await superuser.query(`select from pg_roles where rolname ~ '^project_crowded'`)).rowCount).toBe(0)
})
