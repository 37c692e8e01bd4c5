import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClient } from '../connect.ts'
import { PROJECT_LOGINS, toDatabaseName, toLoginName, type ProjectLogin } from '../project/project-names.ts'
import { ESCAPE_ATTEMPTS, HARMLESS_ATTEMPTS, type EscapeAttempt } from '../testing/escape-attempts.ts'
import { openTestCluster, type TestCluster, type TestProject } from '../testing/test-cluster.ts'
import { toClientConfig } from './server-address.ts'

let cluster: TestCluster
let alpha: TestProject
let beta: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  ;[alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  await beta.runAsOwner(`create table treasure (value text); insert into treasure values ('gold')`)
})
afterAll(() => cluster[Symbol.asyncDispose]())

function toSql({ sql }: EscapeAttempt, login: ProjectLogin): string {
  return sql
    .replaceAll('{self}', `"${toLoginName(alpha.ref, login)}"`)
    .replaceAll('{alpha}', alpha.ref)
    .replaceAll('{beta}', beta.ref)
}

/** What the shared catalogues say of the platform's roles and databases and of beta's; other tests make projects meanwhile. */
async function readOutside(): Promise<unknown> {
  const { rows } = await cluster.control.query(
    `with outside as (select * from pg_roles where rolname !~ '^project_' or rolname = 'project_owner' or starts_with(rolname, $1))
     select (select json_agg(r order by rolname) from outside r) as roles,
       (select json_agg(m order by m.roleid, m.member, m.grantor) from pg_auth_members m join outside o on o.oid = m.member) as members,
       (select json_agg(json_build_array(datname, datdba, datallowconn, datconnlimit, datistemplate, datacl::text) order by datname)
          from pg_database where datname in ($1, 'postgres', 'template1', 'platform')) as databases,
       (select json_agg(slot_name) from pg_replication_slots) as slots,
       (select json_agg(spcname order by spcname) from pg_tablespace) as tablespaces`,
    [toDatabaseName(beta.ref)],
  )
  return rows[0]
}

async function requireHealthyBeta(): Promise<void> {
  expect((await beta.runAsOwner('select value from treasure')).rows).toEqual([{ value: 'gold' }])
  for (const login of PROJECT_LOGINS) {
    const client = await beta.connect(login)
    await client.query('select 1')
    await client.end()
  }
  const scope = await beta.scope('service_role')
  expect(await scope.db.asOwner((tx) => tx.selectFrom('auth.users').select('id').execute())).toEqual([])
}

describe.each(PROJECT_LOGINS)('as the project’s %s login', (login) => {
  test('every way out is refused', async () => {
    const client = await alpha.connect(login)
    const before = await readOutside()
    const succeeded: string[] = []
    for (const attempt of ESCAPE_ATTEMPTS) {
      try {
        await client.query(toSql(attempt, login))
        succeeded.push(attempt.name)
      } catch (error) {
        const { code } = error as { code?: string }
        expect(code, attempt.name).toMatch(/^[0-9A-Z]{5}$/)
        // refused for what it is, not for how it is written
        expect(code, attempt.name).not.toBe('42601')
      }
      await client.query('rollback; reset all')
    }
    expect(succeeded).toEqual([])
    expect(await readOutside()).toEqual(before)
    expect(existsSync('/tmp/polder-escape')).toBe(false)
    await requireHealthyBeta()
  })

  test('what Postgres lets it say changes nothing outside the project', async () => {
    const victim = await cluster.createProject()
    const client = await victim.connect(login)
    const before = await readOutside()
    for (const attempt of HARMLESS_ATTEMPTS) {
      const sql = toSql(attempt, login).replaceAll(alpha.ref, victim.ref)
      await client.query(sql).catch(() => {})
      await client.query('rollback; reset all')
    }
    expect(await readOutside()).toEqual(before)
    await requireHealthyBeta()
  })

  test('only its own database lets it in', async () => {
    const databases = [
      toDatabaseName(beta.ref),
      'postgres',
      'platform',
      'template0',
      'template1',
      String(cluster.platformConnection.database),
    ]
    const template = await cluster.control.query<{ datname: string }>(
      `select datname from pg_database where datname ~ '^project_template_'`,
    )
    for (const database of [...databases, ...template.rows.map(({ datname }) => datname)]) {
      await expect(alpha.connect(login, database), database).rejects.toMatchObject({
        code: expect.stringMatching(/^(28000|42501|55000|3D000)$/),
      })
    }
  })

  test('it cannot start replication', async () => {
    for (const replication of ['true', 'database']) {
      const client = makeClient({
        ...toClientConfig(cluster.address),
        user: toLoginName(alpha.ref, login),
        password: alpha.passwords[login],
        database: toDatabaseName(alpha.ref),
        replication,
      } as object)
      await expect(client.connect(), replication).rejects.toMatchObject({ code: expect.stringMatching(/^(28000|42501)$/) })
    }
  })
})

test('neither the superuser nor platform_ctl can enter a project, by socket or by TCP', async () => {
  const places = [toClientConfig(cluster.address), { host: cluster.address.host, port: cluster.address.port }]
  const logins = [cluster.superuserConnection, cluster.platformConnection]
  for (const place of places) {
    for (const login of logins) {
      const client = makeClient({ ...login, ...place, database: toDatabaseName(alpha.ref) })
      await expect(client.connect()).rejects.toMatchObject({ code: '28000' })
    }
  }
})

test('a project’s login comes in by TCP too, with its password and not without', async () => {
  const place = {
    host: cluster.address.host,
    port: cluster.address.port,
    database: toDatabaseName(alpha.ref),
    user: toLoginName(alpha.ref, 'owner'),
  }
  const client = makeClient({ ...place, password: alpha.passwords.owner })
  await client.connect()
  await client.end()
  await expect(makeClient({ ...place, password: 'wrong' }).connect()).rejects.toMatchObject({ code: '28P01' })
  await expect(makeClient({ ...place, password: beta.passwords.owner }).connect()).rejects.toMatchObject({ code: '28P01' })
})

test('the owner can use up its own connections only', async () => {
  const project = await cluster.createProject()
  const attempts = await Promise.allSettled(Array.from({ length: 14 }, () => project.connect('owner')))
  const refused = attempts.filter((attempt) => attempt.status === 'rejected')
  expect(refused).toHaveLength(4)
  for (const { reason } of refused) expect(reason).toMatchObject({ code: '53300' })
  await requireHealthyBeta()
})

test('no shared role has a right on a database, no login on two, and nobody may hand anything on', async () => {
  const shared = ['anon', 'authenticated', 'service_role', 'platform_internal', 'project_owner']
  const { rows } = await cluster.control.query(
    // those of tests are behind pg_hba.conf alone, as are copies that nobody can connect to yet
    `with rights as (select d.datname::text, a.grantee::regrole::text as grantee from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
       where a.grantee <> d.datdba and d.datallowconn and d.datname !~ '^platform_')
     select array(select datname from rights where grantee = any ($1)) as shared,
       array(select datname from rights where grantee = '-') as everybody,
       array(select grantee from rights where grantee ~ '^project_' group by grantee having count(distinct datname) > 1) as many,
       array(select member::regrole::text from pg_auth_members where admin_option) as handing,
       array(select rolname::text from pg_roles where rolreplication and not rolsuper) as replicating,
       array(select m.member::regrole::text from pg_auth_members m where m.roleid in ('pg_read_all_data'::regrole, 'pg_monitor'::regrole)
               and m.member::regrole::text ~ '^"?project_') as reading`,
    [shared],
  )
  expect(rows).toEqual([{ shared: [], everybody: [], many: [], handing: [], replicating: ['platform_repl'], reading: [] }])
})
