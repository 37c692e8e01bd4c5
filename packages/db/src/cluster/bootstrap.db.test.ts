import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientConfig, DatabaseError } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeClient, makePool } from '../connect.ts'
import { toDatabaseName, toLoginName } from '../project/project-names.ts'
import { createProvisioner } from '../project/provisioner.ts'
import { bootstrapCluster } from './bootstrap.ts'
import { openEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts'
import { toScramVerifier } from './scram.ts'
import { toClientConfig } from './server-address.ts'

const PASSWORD = 'superuser'
const SETTINGS = { fsync: false, shared_buffers: '16MB', max_connections: 40, max_locks_per_transaction: 256 }

let folder: string
let server: EmbeddedPostgres
let superuser: ClientConfig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `polder-test-${process.pid}-`))
  await chmod(folder, 0o755)
  server = await openEmbeddedPostgres({ folder, port: 44_000, superuserPassword: PASSWORD, settings: SETTINGS, observe: () => {} })
  superuser = { ...toClientConfig(server.address), user: 'postgres', password: PASSWORD, database: 'postgres' }
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function ask(connection: ClientConfig, sql: string): Promise<Record<string, unknown>[]> {
  const client = makeClient(connection)
  await client.connect()
  try {
    const result = await client.query<Record<string, unknown>>(sql)
    return result.rows
  } finally {
    await client.end()
  }
}

/** What a bootstrap leaves, without what differs from one server to the next. */
function readState(): Promise<Record<string, unknown>[]> {
  return ask(
    superuser,
    `select (select json_agg(json_build_array(rolname, rolsuper, rolcanlogin, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls) order by rolname)
        from pg_roles where rolname !~ '^pg_') as roles,
      (select json_agg(json_build_array(datname, datistemplate, datallowconn, datacl::text) order by datname) from pg_database) as databases,
      (select count(*) from pg_auth_members) as members, (select count(*) from pg_parameter_acl) as parameters`,
  )
}

const control = (password: string): ClientConfig => ({ ...superuser, user: 'platform_ctl', password, database: 'platform' })

test('twice is as good as once, and says which walls stand', async () => {
  const first = await bootstrapCluster(superuser, { controlPassword: 'first', writesHba: true })
  expect(first.version).toBe(180_004)
  expect(first.walls.map(({ name, isStanding }) => [name, isStanding])).toEqual([
    ['entry', true],
    ['version', false],
    ['extensions', true],
    ['catalog', true],
    ['settings', true],
    ['locks', true],
  ])
  const state = await readState()
  expect(await bootstrapCluster(superuser, { controlPassword: 'first', writesHba: true })).toEqual(first)
  expect(await readState()).toEqual(state)
})

test('only platform_ctl and the superuser have any attribute to speak of', async () => {
  const rows = await ask(
    superuser,
    `select rolname::text as name from pg_roles where (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls) and rolname !~ '^pg_' order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual(['platform_ctl', 'platform_repl', 'postgres', 'service_role'])
  expect(await ask(superuser, `select member::regrole::text as member from pg_auth_members where admin_option`)).toEqual([])
  expect(
    await ask(superuser, `select rolcreatedb, rolcreaterole, rolbypassrls, rolsuper from pg_roles where rolname = 'platform_ctl'`),
  ).toEqual([{ rolcreatedb: true, rolcreaterole: false, rolbypassrls: false, rolsuper: false }])
  expect(await ask(superuser, `select rolpassword ~ '^SCRAM-SHA-256' as scram from pg_authid where rolname = 'platform_ctl'`)).toEqual([
    { scram: true },
  ])
})

test('a changed password of platform_ctl is taken over', async () => {
  await bootstrapCluster(superuser, { controlPassword: 'second', writesHba: true })
  expect(await ask(control('second'), 'select 1 as one')).toEqual([{ one: 1 }])
  await expect(ask(control('first'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
})

test('what somebody dropped, or an interrupted bootstrap left, is made again', async () => {
  await bootstrapCluster(superuser, { controlPassword: 'second', writesHba: true })
  const state = await readState()
  const [template] = await ask(superuser, `select datname::text as name from pg_database where datname ~ '^project_template_'`)
  await ask(superuser, `alter database ${template?.name} with is_template false`)
  await ask(superuser, `drop database ${template?.name}`)
  await ask(superuser, `create database ${template?.name}_unfinished`)
  await ask(superuser, 'drop role dashboard_user')
  await ask(superuser, `comment on role platform_ctl is null`)
  const connectionString = `postgres://postgres:${PASSWORD}@127.0.0.1:${server.address.port}/postgres`
  await bootstrapCluster({ connectionString }, { controlPassword: 'second', writesHba: true })
  expect(await readState()).toEqual(state)
})

test('the template of an earlier ledger gives way to the new one', async () => {
  await ask(superuser, 'create database project_template_0123456789abcdef is_template true allow_connections false')
  await ask(superuser, `comment on role platform_ctl is 'polder 0'`)
  await bootstrapCluster(superuser, { controlPassword: 'second', writesHba: true })
  const templates = await ask(superuser, `select datname::text as name from pg_database where datname ~ '^project_template_'`)
  expect(templates.map(({ name }) => name)).toEqual([expect.stringMatching(/^project_template_(?!0123456789abcdef)[0-9a-f]{16}$/)])
})

test('five servers may prepare the same cluster at the same time', async () => {
  await ask(superuser, `comment on role platform_ctl is null`)
  const all = await Promise.all([1, 2, 3, 4, 5].map(() => bootstrapCluster(superuser, { controlPassword: 'second', writesHba: true })))
  expect(new Set(all.map(({ walls }) => JSON.stringify(walls))).size).toBe(1)
})

test('the roles of a cluster of an earlier version, where platform_ctl made them itself, are taken over', async () => {
  await ask(superuser, 'alter role platform_ctl createrole bypassrls')
  await ask(superuser, 'grant anon, service_role, project_owner to platform_ctl with admin option, inherit false, set false')
  await ask(
    control('second'),
    `create role project_early; create role project_early_owner login password 'early';
     grant project_early to project_early_owner with inherit false, set false;
     grant anon, service_role to project_early_owner with inherit false, set true;
     grant project_owner to project_early_owner with inherit true, set true`,
  )
  const memberships = () =>
    ask(
      superuser,
      `select roleid::regrole::text as role, inherit_option, set_option from pg_auth_members where member = 'project_early_owner'::regrole order by 1`,
    )
  const before = await memberships()
  await ask(superuser, 'comment on role platform_ctl is null')
  await bootstrapCluster(superuser, { controlPassword: 'second', writesHba: true })
  expect(await memberships()).toEqual(before)
  expect(await ask(superuser, `select from pg_auth_members where admin_option or grantor = 'platform_ctl'::regrole`)).toEqual([])
  expect(await ask(superuser, `select from pg_roles where rolname = 'platform_ctl' and (rolcreaterole or rolbypassrls)`)).toEqual([])
  const pool = makePool(control('second'))
  const provisioner = await createProvisioner({ control: pool, address: server.address, warmDatabases: 0, observe: () => {} })
  await provisioner.createRoles('early', { owner: 'o', authenticator: 'a', platform: 'p', backup: 'b' })
  await provisioner.dropRoles('early')
  await pool.end()
  expect(await ask(superuser, `select from pg_roles where rolname ~ '^project_early'`)).toEqual([])
})

test('a cluster whose administrator is no superuser gets what is possible, and says what is missing', async () => {
  const managed = await mkdtemp(join(tmpdir(), `polder-test-${process.pid}-`))
  await chmod(managed, 0o755)
  const other = await openEmbeddedPostgres({
    folder: managed,
    port: 44_500,
    superuserPassword: PASSWORD,
    settings: SETTINGS,
    observe: () => {},
  })
  try {
    const place = toClientConfig(other.address)
    const root = { ...place, user: 'postgres', password: PASSWORD, database: 'postgres' }
    await ask(root, `create role administrator login createdb createrole bypassrls password 'admin'`)
    await ask(root, 'grant pg_monitor, pg_signal_backend to administrator with admin option')
    // the provider's own rules of entry
    await writeFile(join(managed, 'data', 'pg_hba.conf'), 'local all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n')
    await ask(root, 'select pg_reload_conf()')
    const administrator = { ...place, user: 'administrator', password: 'admin', database: 'postgres' }
    for (let time = 0; time < 2; time += 1) {
      const { walls } = await bootstrapCluster(administrator, { controlPassword: 'ctl', writesHba: false })
      expect(walls.filter(({ isStanding }) => !isStanding).map(({ name }) => name)).toEqual(['entry', 'version', 'catalog', 'settings'])
    }
    const pool = makePool({ ...place, user: 'platform_ctl', password: 'ctl', database: 'platform' })
    const provisioner = await createProvisioner({ control: pool, address: other.address, warmDatabases: 1, observe: () => {} })
    await provisioner.refillWarmPool()
    const passwords = { owner: 'o', authenticator: 'a', platform: 'p', backup: 'b' }
    for (const ref of ['alpha', 'beta']) {
      await provisioner.createRoles(ref, passwords)
      await provisioner.createDatabase(ref)
      await provisioner.openDatabase(ref, passwords)
    }
    const login = { ...place, user: toLoginName('alpha', 'owner'), password: 'o' }
    expect(await ask({ ...login, database: toDatabaseName('alpha') }, 'create table t as select auth.uid() as id')).toEqual([])
    await expect(ask({ ...login, database: toDatabaseName('beta') }, 'select 1')).rejects.toMatchObject({ code: '42501' })
    await expect(ask({ ...login, database: 'platform' }, 'select 1')).rejects.toMatchObject({ code: '42501' })
    for (const ref of ['alpha', 'beta']) {
      await provisioner.dropDatabase(ref)
      await provisioner.dropRoles(ref)
    }
    await pool.end()
  } finally {
    await other.stop()
    await rm(managed, { recursive: true, force: true })
  }
}, 90_000)

test('no password or verifier stands in the server’s log', async () => {
  const pool = makePool(control('second'))
  const provisioner = await createProvisioner({ control: pool, address: server.address, warmDatabases: 0, observe: () => {} })
  const passwords = { owner: 'canary-owner', authenticator: 'canary-a', platform: 'canary-p', backup: 'canary-b' }
  await provisioner.createRoles('logged', passwords)
  // refused, and so candidates for the log
  await expect(pool.query(`create role project_logged_owner password 'canary-refused'`)).rejects.toMatchObject({ code: '42501' })
  await ask(superuser, 'alter role platform_ctl reset log_error_verbosity')
  const held = makeClient(superuser)
  await held.connect()
  await held.query('begin; alter role project_logged_owner connection limit 1')
  const waiting = makeClient({ ...control('second'), options: '-c statement_timeout=200' })
  await waiting.connect()
  const verifier = await toScramVerifier('canary-waiting', 1)
  await expect(waiting.query(`select provisioning.set_project_password('logged', 'owner', $1)`, [verifier])).rejects.toSatisfy(
    (error: DatabaseError) => error.code === '57014' && !JSON.stringify(error).includes('SCRAM'),
  )
  await waiting.end()
  await held.query('rollback')
  await held.end()
  await provisioner.dropRoles('logged')
  await pool.end()
  const day = new Date().toLocaleDateString('en-US', { weekday: 'short', timeZone: 'UTC' })
  const log = await readFile(join(folder, 'log', `postgres-${day}.log`), 'utf8')
  expect(log).not.toMatch(/canary|SCRAM-SHA-256/)
})
