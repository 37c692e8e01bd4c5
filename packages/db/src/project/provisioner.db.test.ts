import { afterAll, beforeAll, expect, test } from 'vitest'
import { escapeIdentifier } from 'pg'
import { makeClient } from '../connect.ts'
import { openTestCluster, type TestCluster } from '../testing/test-cluster.ts'
import { PROJECT_LOGINS, toDatabaseName, toLoginName } from './project-names.ts'
import { createProvisioner, type ProjectPasswords, type Provisioner } from './provisioner.ts'
import { makeSecretText } from './project-keys.ts'

let cluster: TestCluster
const refs: string[] = []

beforeAll(async () => {
  cluster = await openTestCluster()
})
afterAll(async () => {
  for (const ref of refs) await remove(cluster.provisioner, ref)
  await cluster[Symbol.asyncDispose]()
})

function makeRef(): string {
  const ref = `p${Math.random().toString(36).slice(2, 12)}-x`
  refs.push(ref)
  return ref
}

function makePasswords(): ProjectPasswords {
  return { owner: makeSecretText(), authenticator: makeSecretText(), platform: makeSecretText(), backup: makeSecretText() }
}

async function make(provisioner: Provisioner, ref: string, passwords = makePasswords()): Promise<ProjectPasswords> {
  await provisioner.createRoles(ref, passwords)
  await provisioner.createDatabase(ref)
  await provisioner.openDatabase(ref, passwords)
  return passwords
}

async function remove(provisioner: Provisioner, ref: string): Promise<void> {
  await provisioner.closeDatabase(ref)
  await provisioner.dropDatabase(ref)
  await provisioner.dropRoles(ref)
}

async function listTraces(ref: string): Promise<string[]> {
  const { rows } = await cluster.control.query<{ name: string }>(
    `select rolname::text as name from pg_roles where starts_with(rolname, $1) union all select datname::text from pg_database where datname = $1`,
    [toDatabaseName(ref)],
  )
  return rows.map(({ name }) => name)
}

async function canEnter(ref: string, passwords: ProjectPasswords): Promise<boolean[]> {
  return Promise.all(
    PROJECT_LOGINS.map(async (login) => {
      const client = makeClient({
        ...cluster.platformConnection,
        user: toLoginName(ref, login),
        password: passwords[login],
        database: toDatabaseName(ref),
      })
      const isIn = await client.connect().then(
        () => true,
        () => false,
      )
      if (isIn) await client.end()
      return isIn
    }),
  )
}

test('a project is made, closed to everybody, and leaves nothing', async () => {
  const ref = makeRef()
  const passwords = await make(cluster.provisioner, ref)
  expect(await canEnter(ref, passwords)).toEqual([true, true, true, true])
  await cluster.provisioner.closeDatabase(ref)
  expect(await canEnter(ref, passwords)).toEqual([false, false, false, false])
  await remove(cluster.provisioner, ref)
  expect(await listTraces(ref)).toEqual([])
})

test('nobody can connect before the last step', async () => {
  const ref = makeRef()
  const passwords = makePasswords()
  await cluster.provisioner.createRoles(ref, passwords)
  expect(await canEnter(ref, passwords)).toEqual([false, false, false, false])
  await cluster.provisioner.createDatabase(ref)
  expect(await canEnter(ref, passwords)).toEqual([false, false, false, false])
})

test('every step can be repeated, in the making and in the undoing', async () => {
  const ref = makeRef()
  const { provisioner } = cluster
  const first = makePasswords()
  await provisioner.createRoles(ref, first)
  const passwords = makePasswords()
  await provisioner.createRoles(ref, passwords)
  await provisioner.createDatabase(ref)
  expect(await provisioner.createDatabase(ref)).toEqual({ isFromWarmPool: false })
  await provisioner.openDatabase(ref, passwords)
  await provisioner.openDatabase(ref, passwords)
  expect(await canEnter(ref, passwords)).toEqual([true, true, true, true])
  expect(await canEnter(ref, first)).toEqual([false, false, false, false])
  for (const step of ['closeDatabase', 'dropDatabase', 'dropRoles'] as const) {
    await provisioner[step](ref)
    await provisioner[step](ref)
  }
  expect(await listTraces(ref)).toEqual([])
  await remove(provisioner, ref)
})

test('undoing finishes whatever step the making had come to', async () => {
  const { provisioner } = cluster
  const steps = [
    (ref: string, passwords: ProjectPasswords) => provisioner.createRoles(ref, passwords),
    (ref: string) => provisioner.createDatabase(ref),
    (ref: string, passwords: ProjectPasswords) => provisioner.openDatabase(ref, passwords),
  ]
  for (let done = 0; done <= steps.length; done += 1) {
    const ref = makeRef()
    const passwords = makePasswords()
    for (const step of steps.slice(0, done)) await step(ref, passwords)
    await remove(provisioner, ref)
    expect(await listTraces(ref), `after ${done} steps`).toEqual([])
  }
})

test('roles of which only some were made are completed', async () => {
  const ref = makeRef()
  const superuser = await connectSuperuser()
  await superuser.query(`create role ${escapeIdentifier(toDatabaseName(ref))} nologin`)
  await superuser.query(`create role ${escapeIdentifier(toLoginName(ref, 'platform'))} login`)
  await superuser.end()
  expect(await canEnter(ref, await make(cluster.provisioner, ref))).toEqual([true, true, true, true])
})

test('a database whose drop was interrupted is dropped, or made anew', async () => {
  for (const next of ['drop', 'make'] as const) {
    const ref = makeRef()
    const passwords = await make(cluster.provisioner, ref)
    const superuser = await connectSuperuser()
    await superuser.query('update pg_database set datconnlimit = -2 where datname = $1', [toDatabaseName(ref)])
    await superuser.end()
    if (next === 'make') {
      await make(cluster.provisioner, ref, passwords)
      expect(await canEnter(ref, passwords)).toEqual([true, true, true, true])
    }
    await remove(cluster.provisioner, ref)
    expect(await listTraces(ref)).toEqual([])
  }
})

async function connectSuperuser() {
  const client = makeClient(cluster.superuserConnection)
  await client.connect()
  return client
}

test('open sessions do not hold up a drop', async () => {
  const project = await cluster.createProject()
  const sessions = await Promise.all(PROJECT_LOGINS.map((login) => project.connect(login)))
  await sessions[0]?.query('begin; create table t (x int)')
  await cluster.provisioner.dropDatabase(project.ref)
  expect((await cluster.provisioner.databaseBytes([project.ref])).size).toBe(0)
})

test('a role that another project still names becomes powerless, and goes when it is named no more', async () => {
  const [alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  await alpha.runAsOwner(`create table pinned (x int); grant select on pinned to project_${beta.ref}_owner, project_${beta.ref}`)
  await remove(cluster.provisioner, beta.ref)
  const kept = [toDatabaseName(beta.ref), toLoginName(beta.ref, 'owner')]
  expect((await listTraces(beta.ref)).toSorted()).toEqual(kept)
  const { rows } = await cluster.control.query(
    `select r.rolcanlogin, count(m.*)::int as memberships from pg_roles r left join pg_auth_members m on m.member = r.oid where r.rolname = any ($1) group by 1`,
    [kept],
  )
  expect(rows).toEqual([{ rolcanlogin: false, memberships: 0 }])
  await cluster.provisioner.refillWarmPool()
  expect((await listTraces(beta.ref)).toSorted()).toEqual(kept)
  await alpha.runAsOwner('drop table pinned')
  await cluster.provisioner.refillWarmPool()
  expect(await listTraces(beta.ref)).toEqual([])
})

test('a project that is made again over its tombstones keeps its roles', async () => {
  const alpha = await cluster.createProject()
  const ref = makeRef()
  await make(cluster.provisioner, ref)
  await alpha.runAsOwner(`create table pinned (x int); grant select on pinned to ${escapeIdentifier(toDatabaseName(ref))}`)
  await remove(cluster.provisioner, ref)
  expect(await listTraces(ref)).toEqual([toDatabaseName(ref)])
  const passwords = await make(cluster.provisioner, ref)
  await alpha.runAsOwner('drop table pinned')
  await cluster.provisioner.refillWarmPool()
  expect(await canEnter(ref, passwords)).toEqual([true, true, true, true])
})

test('a new password takes the place of the old one', async () => {
  const ref = makeRef()
  const old = await make(cluster.provisioner, ref)
  await cluster.provisioner.setPassword(ref, 'owner', 'pässword ﬁ ’ $1')
  expect(await canEnter(ref, { ...old, owner: 'pässword ﬁ ’ $1' })).toEqual([true, true, true, true])
  expect((await canEnter(ref, old))[0]).toBe(false)
})

test('an owner who changed its own password does not stop the last step from being repeated', async () => {
  const project = await cluster.createProject()
  await project.runAsOwner(`alter role current_user password 'mine'`)
  await cluster.provisioner.openDatabase(project.ref, project.passwords)
  await project.runAsOwner('select 1')
})

test('sizes are answered for those that are there', async () => {
  const project = await cluster.createProject()
  const sizes = await cluster.provisioner.databaseBytes([project.ref, 'not-there'])
  expect([...sizes.keys()]).toEqual([project.ref])
  expect(sizes.get(project.ref)).toBeGreaterThan(5_000_000)
  expect(await cluster.provisioner.databaseBytes([])).toEqual(new Map())
})

test.each(['owner', '', 'Alpha', 'a"; drop database platform; --', 'a_b', '../x', 'x'.repeat(41), '-a', 'a-'])(
  '%j can never become a name in SQL',
  async (ref) => {
    for (const call of [
      () => cluster.provisioner.createRoles(ref, makePasswords()),
      () => cluster.provisioner.createDatabase(ref),
      () => cluster.provisioner.dropDatabase(ref),
      () => cluster.provisioner.dropRoles(ref),
      () => cluster.provisioner.databaseBytes([ref]),
    ]) {
      await expect((async () => call())()).rejects.toMatchObject({ code: 'request.invalid' })
    }
  },
)

test('the longest ref makes names that Postgres does not cut', async () => {
  const ref = 'x'.repeat(40)
  refs.push(ref)
  expect(toLoginName(ref, 'authenticator').length).toBeLessThanOrEqual(63)
  expect(await canEnter(ref, await make(cluster.provisioner, ref))).toEqual([true, true, true, true])
})

test('twenty at once all succeed, some from the pool and the others without', async () => {
  const provisioner = await createProvisioner({ control: cluster.control, address: cluster.address, warmDatabases: 5, observe: () => {} })
  await Promise.all([provisioner.refillWarmPool(), provisioner.refillWarmPool()])
  const all = Array.from({ length: 20 }, makeRef)
  const results = await Promise.all(
    all.map(async (ref) => {
      const passwords = makePasswords()
      const [, made] = await Promise.all([provisioner.createRoles(ref, passwords), provisioner.createDatabase(ref)])
      await provisioner.openDatabase(ref, passwords)
      return { made, entered: await canEnter(ref, passwords) }
    }),
  )
  expect(results.filter(({ made }) => made.isFromWarmPool)).toHaveLength(5)
  expect(results.every(({ entered }) => entered.every(Boolean))).toBe(true)
})

test('two processes never take the same prepared database', async () => {
  const provisioners = await Promise.all(
    [1, 2].map(() => createProvisioner({ control: cluster.control, address: cluster.address, warmDatabases: 4, observe: () => {} })),
  )
  const [first] = provisioners
  await first?.refillWarmPool()
  const all = Array.from({ length: 8 }, makeRef)
  const made = await Promise.all(all.map((ref, index) => provisioners[index % 2]!.createDatabase(ref)))
  expect(made.filter((one) => one.isFromWarmPool)).toHaveLength(4)
  for (const ref of all) expect(await listTraces(ref)).toEqual([toDatabaseName(ref)])
})

test('a prepared database is closed, and its first session finds the catalogue read', async () => {
  const provisioner = await createProvisioner({ control: cluster.control, address: cluster.address, warmDatabases: 1, observe: () => {} })
  await provisioner.refillWarmPool()
  const open = await cluster.control.query(
    `select datname from pg_database where starts_with(datname, 'project_spare_') and not starts_with(datname, 'project_spare_new_') and datallowconn`,
  )
  expect(open.rows).toEqual([])
  const ref = makeRef()
  expect(await provisioner.createDatabase(ref)).toEqual({ isFromWarmPool: true })
  const superuser = await connectSuperuser()
  const files = await superuser.query<{ name: string }>(`select pg_ls_dir('base/' || oid) as name from pg_database where datname = $1`, [
    toDatabaseName(ref),
  ])
  await superuser.end()
  expect(files.rows.map(({ name }) => name)).toContain('pg_internal.init')
})

test('prepared databases of an older template are dropped', async () => {
  await cluster.control.query('create database project_spare_0000000000000000_old template template0 allow_connections false')
  const provisioner = await createProvisioner({ control: cluster.control, address: cluster.address, warmDatabases: 1, observe: () => {} })
  await provisioner.refillWarmPool()
  const { rows } = await cluster.control.query(`select datname from pg_database where starts_with(datname, 'project_spare_0000')`)
  expect(rows).toEqual([])
})
