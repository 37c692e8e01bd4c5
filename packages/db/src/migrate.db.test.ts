import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Client } from 'pg'
import { makeClient } from './connect.ts'
import { migrate } from './migrate.ts'
import { listMigrations, toChecksum, type Migration } from './migration-files.ts'
import { openTestCluster, type TestCluster } from './testing/test-cluster.ts'

let cluster: TestCluster
const clients: Client[] = []

beforeAll(async () => {
  cluster = await openTestCluster()
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()))
  await cluster[Symbol.asyncDispose]()
})

function toMigration(name: string, sql: string): Migration {
  return { name, sql, checksum: toChecksum(sql) }
}

const FIRST = toMigration('0001_a.sql', 'create table public.a (id int)')
const SECOND = toMigration('0002_b.sql', 'create table public.b (id int); insert into public.a values (1)')

/** A database of its own, empty; the owner is platform_ctl. */
async function openEmpty(): Promise<Client> {
  const name = `platform_m${clients.length}_${process.pid}`
  await cluster.control.query(`create database ${name} template template0`)
  const client = await connect(name)
  return client
}

async function connect(database: string): Promise<Client> {
  const client = makeClient({ ...cluster.platformConnection, database })
  await client.connect()
  clients.push(client)
  return client
}

test('files are applied once each, and later ones follow', async () => {
  const client = await openEmpty()
  expect(await migrate(client, { ledger: 'platform', migrations: [FIRST] })).toEqual({ applied: ['0001_a.sql'] })
  expect(await migrate(client, { ledger: 'platform', migrations: [FIRST, SECOND] })).toEqual({ applied: ['0002_b.sql'] })
  expect(await migrate(client, { ledger: 'platform', migrations: [FIRST, SECOND] })).toEqual({ applied: [] })
  expect((await client.query('select name, checksum from polder.migrations order by name')).rows).toEqual([
    { name: FIRST.name, checksum: FIRST.checksum },
    { name: SECOND.name, checksum: SECOND.checksum },
  ])
})

test('a changed file and an unknown one are refused, and nothing is applied', async () => {
  const client = await openEmpty()
  await migrate(client, { ledger: 'platform', migrations: [FIRST] })
  const changed = toMigration(FIRST.name, 'create table public.a (id bigint)')
  await expect(migrate(client, { ledger: 'platform', migrations: [changed, SECOND] })).rejects.toThrow('0001_a.sql was changed after')
  await migrate(client, { ledger: 'platform', migrations: [FIRST, SECOND] })
  await expect(migrate(client, { ledger: 'platform', migrations: [FIRST] })).rejects.toThrow('does not know')
})

test('a file that fails leaves nothing of itself, and what came before it stays', async () => {
  const client = await openEmpty()
  const broken = toMigration('0002_broken.sql', 'create table public.half (id int); select 1 / 0')
  await expect(migrate(client, { ledger: 'platform', migrations: [FIRST, broken] })).rejects.toThrow(
    '0002_broken.sql failed: division by zero',
  )
  const { rows } = await client.query(`select to_regclass('public.a') is not null as a, to_regclass('public.half') is not null as half`)
  expect(rows).toEqual([{ a: true, half: false }])
  expect((await client.query('select name from polder.migrations')).rows).toEqual([{ name: FIRST.name }])
  expect(await migrate(client, { ledger: 'platform', migrations: [FIRST, SECOND] })).toEqual({ applied: [SECOND.name] })
})

test('five processes at once apply each file once', async () => {
  const first = await openEmpty()
  const name = (await first.query<{ name: string }>('select current_database() as name')).rows[0]?.name ?? ''
  const all = [first, ...(await Promise.all([1, 2, 3, 4].map(() => connect(name))))]
  const results = await Promise.all(all.map((client) => migrate(client, { ledger: 'platform', migrations: [FIRST, SECOND] })))
  expect(results.flatMap(({ applied }) => applied).toSorted()).toEqual([FIRST.name, SECOND.name])
})

test('an older project database is brought forward by its own platform login, and owned by platform_internal', async () => {
  const project = await cluster.createProject()
  const client = await project.connect('platform')
  const known = await listMigrations('project')
  const added = toMigration(`${String(known.length + 1).padStart(4, '0')}_auth_more.sql`, 'create table auth.more (id int)')
  expect(await migrate(client, { ledger: 'project', role: 'platform_internal', migrations: [...known, added] })).toEqual({
    applied: [added.name],
  })
  const { rows } = await client.query(`select tableowner from pg_tables where tablename = 'more'`)
  expect(rows).toEqual([{ tableowner: 'platform_internal' }])
  expect((await client.query('select current_user::text as name')).rows).toEqual([{ name: `project_${project.ref}_platform` }])
})

test('the owner of a project can neither read nor change its ledger', async () => {
  const project = await cluster.createProject()
  await expect(project.runAsOwner('select * from polder.migrations')).rejects.toThrow('permission denied')
  await expect(project.runAsOwner('delete from polder.migrations')).rejects.toThrow('permission denied')
})
