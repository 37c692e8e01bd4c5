import { readFile } from 'node:fs/promises'
import type { ClientConfig } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeClient } from './connect.ts'
import { toMigrationPath } from './migration-files.ts'
import { dumpSchema } from './schema-dump.ts'
import { openTestCluster, type TestCluster } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await openTestCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

async function dump(connection: ClientConfig): Promise<string> {
  const client = makeClient(connection)
  await client.connect()
  try {
    return await dumpSchema(client, { without: ['provisioning'] })
  } finally {
    await client.end()
  }
}

test('the dumps in migrations/schema are those of the migrations: `npm run db:dump` writes them', async () => {
  const project = await cluster.createProject()
  const kept = async (name: string) => readFile(toMigrationPath('schema', `${name}.sql`), 'utf8')
  expect(await dump(cluster.platformConnection)).toBe(await kept('platform'))
  expect(await dump((await cluster.openLogs()).connection)).toBe(await kept('logs'))
  expect(await dumpSchema(await project.connect('platform'))).toBe(await kept('project'))
})

test('two projects have the same dump, and any change shows', async () => {
  const [alpha, beta] = [await cluster.createProject(), await cluster.createProject()]
  const [first, second] = [await alpha.connect('platform'), await beta.connect('platform')]
  const same = await dumpSchema(first)
  expect(await dumpSchema(second)).toBe(same)
  const changes = [
    'create table t (id int generated always as identity primary key, "Odd ""name" text default \'it\'\'s\' check ("Odd ""name" <> \'\'))',
    'create index on t ("Odd ""name") where id > 5',
    'alter table t enable row level security',
    'create policy p on t for select to anon using (id > 1)',
    'create view v with (security_invoker) as select id from t',
    "create type mood as enum ('a', 'b')",
    "create function f(x int) returns int language sql as 'select x'",
    "create function g() returns trigger language plpgsql as 'begin return new; end'",
    'create trigger tr before insert on t for each row execute function g()',
    'revoke execute on function f from public',
    'grant select (id) on t to authenticated',
    'alter view v set (security_invoker = false)',
    'grant truncate on t to public',
    'alter publication supabase_realtime add table t',
    'drop policy p on t',
  ]
  let last = same
  for (const change of changes) {
    await alpha.runAsOwner(change)
    const now = await dumpSchema(first)
    expect(now, change).not.toBe(last)
    last = now
  }
})
