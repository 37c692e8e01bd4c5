import { readFile } from 'node:fs/promises'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DatabaseRole, ProjectClaims } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '../../testing/test-cluster.ts'

let cluster: TestCluster
let project: TestProject
let owner: Client

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  owner = await project.connect('owner')
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

/** Runs a statement as an app would, through the data API's connection. */
async function runAs(
  role: DatabaseRole,
  text: string,
  values: string[] = [],
  claims?: Partial<ProjectClaims>,
): Promise<(string | null)[][]> {
  const request = { method: 'POST', path: '/', headers: '{}', cookies: '{}' }
  const { db } = await project.scope(role, claims)
  const { rows } = await db.asCaller({ text, values, isReadOnly: false, request, searchPath: ['public'] })
  return rows.map((row) => row.map((value) => value?.toString() ?? null))
}

async function judge(role: DatabaseRole, topic: string, claims?: Partial<ProjectClaims>): Promise<string[]> {
  const [row] = await runAs(role, `select to_json(realtime.judge($1, '{broadcast,presence}', true, true))::text`, [topic], claims)
  return (JSON.parse(row?.[0] ?? '[]') as string[]).toSorted()
}

const count = async () => (await owner.query<{ count: number }>('select count(*)::int as count from realtime.messages')).rows[0]?.count

test('the row types have the columns of the catalogue, no more and no fewer', async () => {
  const { rows } = await owner.query<{ name: string; columns: string[] }>(`
    select 'realtime.' || c.relname as name, array_agg(a.attname::text order by a.attname) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'realtime'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition group by 1`)
  const source = await readFile(new URL('realtime.ts', import.meta.url), 'utf8')
  const types = [...source.matchAll(/'(realtime\.\w+)': (\w+)/g)].map(([, table, type]) => {
    const body = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(source)?.[1] ?? ''
    return [table, [...body.matchAll(/^ {2}(\w+):/gm)].map(([, column]) => column!).toSorted()]
  })
  expect(Object.fromEntries(types)).toEqual(Object.fromEntries(rows.map(({ name, columns }) => [name, columns])))
})

test('what Supabase users do with realtime loads: policies, publication, triggers; the rest stays the service’s', async () => {
  await owner.query(`
    create policy "members read" on realtime.messages for select to authenticated
      using (realtime.topic() like 'room:%' and realtime.messages.extension in ('broadcast', 'presence'));
    create policy "members write" on realtime.messages for insert to authenticated
      with check (realtime.topic() like 'room:%' and (auth.jwt() ->> 'sub') is not null);
    create table public.todos (id bigint generated always as identity primary key, task text, topic text);
    alter publication supabase_realtime add table public.todos;
    create function public.tell() returns trigger language plpgsql security definer as $$
    begin
      perform realtime.broadcast_changes(coalesce(new.topic, old.topic), tg_op, tg_op, tg_table_name, tg_table_schema, new, old, tg_level);
      return null;
    end $$;
    create trigger tell after insert or update or delete on public.todos for each row execute function public.tell();`)
  for (const sql of [
    'create table realtime.mine (id int)',
    'create or replace function realtime.topic() returns text language sql as $$ select 1 $$',
    'alter publication supabase_realtime_messages_publication drop table realtime.messages',
    'select * from realtime.messages_default',
    `select realtime.add_probes('room:1', '{broadcast}')`,
    `select realtime.maintain_messages('2020-01-01')`,
  ]) {
    await expect(owner.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  }
})

test('a row that changed is told to its topic, old and new', async () => {
  await owner.query(
    `insert into public.todos (task, topic) values ('first', 'room:1'); update public.todos set task = 'second'; delete from public.todos`,
  )
  const { rows } = await owner.query(
    `select event, topic, private, extension, payload - 'id' as payload from realtime.messages order by inserted_at`,
  )
  const fixed = { topic: 'room:1', private: true, extension: 'broadcast' }
  const common = { schema: 'public', table: 'todos' }
  const row = (task: string) => ({ id: 1, task, topic: 'room:1' })
  expect(rows).toEqual(
    expect.arrayContaining([
      { ...fixed, event: 'INSERT', payload: { ...common, operation: 'INSERT', record: row('first'), old_record: null } },
      { ...fixed, event: 'UPDATE', payload: { ...common, operation: 'UPDATE', record: row('second'), old_record: row('first') } },
      { ...fixed, event: 'DELETE', payload: { ...common, operation: 'DELETE', record: null, old_record: row('second') } },
    ]),
  )
  await owner.query('delete from realtime.messages')
})

test('sending is judged by the sender’s policies, and a refusal does not undo what was to be told', async () => {
  const send = `select realtime.send('{"a":1}', 'hello', $1), realtime.send_binary('\\xdead', 'bytes', $1)`
  await runAs('anon', send, ['room:1'])
  await runAs('authenticated', send, ['elsewhere'])
  expect(await count()).toBe(0)
  await runAs('authenticated', send, ['room:1'])
  await runAs('service_role', `select realtime.send('[1]', 'list', 'elsewhere', false)`)
  const { rows } = await owner.query(
    `select event, payload, encode(binary_payload, 'hex') as bytes, private from realtime.messages order by event`,
  )
  expect(rows).toEqual([
    { event: 'bytes', payload: null, bytes: 'dead', private: true },
    { event: 'hello', payload: { a: 1, id: expect.any(String) }, bytes: null, private: true },
    { event: 'list', payload: [1], bytes: null, private: false },
  ])
  await owner.query('delete from realtime.messages')
})

test('a channel is judged for reading and writing, broadcast and presence, and nothing of it stays', async () => {
  const everything = ['read.broadcast', 'read.presence', 'write.broadcast', 'write.presence']
  expect(await judge('authenticated', 'room:1')).toEqual(everything)
  expect(await judge('authenticated', 'elsewhere')).toEqual([])
  expect(await judge('anon', 'room:1')).toEqual([])
  expect(await judge('service_role', 'room:1')).toEqual(everything)
  await owner.query(`alter policy "members write" on realtime.messages with check (extension = 'presence')`)
  await owner.query(`alter policy "members read" on realtime.messages using (extension = 'broadcast' and topic = realtime.topic())`)
  expect(await judge('authenticated', "it's")).toEqual(['read.broadcast', 'write.presence'])
  await owner.query(`alter policy "members read" on realtime.messages using (1 / (length(topic) - 4) = 1)`)
  await expect(judge('authenticated', 'zero')).rejects.toMatchObject({ code: '22012' })
  expect(await count()).toBe(0)
})

test('messages find their day’s partition, old days go, and rows without a day stay where they are', async () => {
  const platform = await project.connect('platform')
  const partitions = async () =>
    (
      await owner.query<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'realtime.messages'::regclass order by 1`,
      )
    ).rows.map(({ name }) => name)
  await owner.query(`insert into realtime.messages (topic, extension, inserted_at) values ('t', 'broadcast', '2020-01-02 12:00')`)
  await platform.query(`select realtime.maintain_messages('2020-01-01')`)
  const day = (name: string) => `realtime.messages_${name}`
  expect(await partitions()).toEqual([day('2020_01_01'), day('2020_01_03'), day('2020_01_04'), day('default')])
  await owner.query(`insert into realtime.messages (topic, extension, inserted_at) values ('t', 'broadcast', '2020-01-01 00:00')`)
  await platform.query(`select realtime.maintain_messages('2020-01-05')`)
  expect(await partitions()).toEqual(['03', '04', '05', '06', '07', '08'].map((number) => day(`2020_01_${number}`)).concat(day('default')))
  expect(await count()).toBe(1)
  await platform.query(`select realtime.maintain_messages('2020-01-06')`)
  expect(await count()).toBe(0)
})
