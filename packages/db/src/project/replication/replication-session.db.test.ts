import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../../testing/test-cluster.ts'
import type { WalEvent } from './pgoutput.ts'
import { fromLsn, toLsn, type ReplicationSession } from './replication-session.ts'

let cluster: TestCluster
let project: TestProject

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  await project.runAsOwner(`
    create table public.things (id bigint primary key, name text, tags int[]);
    create table public.whole (id int primary key, name text);
    alter table public.whole replica identity full;
    alter publication supabase_realtime add table public.things, public.whole`)
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

const open = async (): Promise<ReplicationSession> => (await project.scope()).db.openReplication()

/** What a slot tells of the owner's SQL, transaction marks left out. */
async function collect(sql: string, until: (events: WalEvent[]) => boolean): Promise<WalEvent[]> {
  const session = await open()
  const events: WalEvent[] = []
  try {
    await session.createSlot('test_collect', 5_000)
    await session.stream('test_collect', ['supabase_realtime'], {
      onEvent: (event) => void events.push(event),
      onProgress: () => {},
      onEnd: () => {},
    })
    await project.runAsOwner(sql)
    await expect.poll(() => until(events), { timeout: 5_000 }).toBe(true)
  } finally {
    await session[Symbol.asyncDispose]()
    await dropWhenFree('test_collect')
  }
  return events.filter(({ kind }) => kind !== 'begin' && kind !== 'commit' && kind !== 'relation')
}

async function dropWhenFree(slot: string): Promise<void> {
  await using session = await open()
  await expect.poll(() => session.dropSlot(slot).then(() => 'dropped', String), { timeout: 5_000 }).toBe('dropped')
}

const count = (kind: WalEvent['kind'], wanted: number) => (events: WalEvent[]) =>
  events.filter((event) => event.kind === kind).length >= wanted

test('tells of inserted, updated and deleted rows in the order of their commits, values as text', async () => {
  const events = await collect(
    `insert into public.things values (9007199254740993, 'é "quoted" 🚚', '{1,null}');
     update public.things set name = null;
     delete from public.things`,
    count('delete', 1),
  )
  expect(events.map(({ kind }) => kind)).toEqual(['insert', 'update', 'delete'])
  expect(events).toMatchObject([
    { row: ['9007199254740993', 'é "quoted" 🚚', '{1,NULL}'] },
    { row: ['9007199254740993', null, '{1,NULL}'], old: undefined },
    { old: ['9007199254740993', null, null] },
  ])
})

test('old values come where the replica identity is full, truncations too', async () => {
  const events = await collect(
    `insert into public.whole values (1, 'before'); update public.whole set name = 'after'; delete from public.whole; truncate public.whole`,
    count('truncate', 1),
  )
  expect(events).toMatchObject([
    { kind: 'insert', row: ['1', 'before'] },
    { kind: 'update', old: ['1', 'before'], row: ['1', 'after'] },
    { kind: 'delete', old: ['1', 'after'] },
    { kind: 'truncate', relations: [expect.any(Number)] },
  ])
})

test('a large value that did not change is left out', async () => {
  const events = await collect(
    `alter table public.things alter column name set storage external;
     insert into public.things values (7, repeat('x', 10000), null); update public.things set tags = '{1}'`,
    count('update', 1),
  )
  expect(events[1]).toMatchObject({ kind: 'update', row: ['7', undefined, '{1}'] })
  await project.runAsOwner('delete from public.things')
})

test('begins again where it was confirmed', async () => {
  const names: (string | null | undefined)[] = []
  async function read(confirms: boolean, wanted: number): Promise<void> {
    await using session = await open()
    const waiting = Promise.withResolvers<void>()
    await session.stream('test_resume', ['supabase_realtime'], {
      onEvent(event, stream) {
        if (event.kind === 'insert') names.push(event.row[1])
        if (event.kind === 'commit' && names.length >= wanted) {
          if (confirms) stream.confirm(event.endLsn)
          waiting.resolve()
        }
      },
      onProgress: () => {},
      onEnd: () => {},
    })
    await waiting.promise
    // what was confirmed must reach the server before the socket is gone
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  {
    await using session = await open()
    expect(await session.createSlot('test_resume', 5_000)).toBeGreaterThan(0n)
  }
  await project.runAsOwner(`insert into public.whole values (1, 'one')`)
  await read(false, 1)
  await expect.poll(() => read(true, 2).then(() => 'read', String), { timeout: 5_000 }).toBe('read')
  await project.runAsOwner(`insert into public.whole values (2, 'two')`)
  await expect.poll(() => read(true, 3).then(() => 'read', String), { timeout: 5_000 }).toBe('read')
  expect(names).toEqual(['one', 'one', 'two'])
  await dropWhenFree('test_resume')
})

test('says when it ends, and why', async () => {
  await using session = await open()
  const slot = 'test_ends'
  await session.createSlot(slot, 5_000)
  const ended = Promise.withResolvers<unknown>()
  await session.stream(slot, ['supabase_realtime'], { onEvent: () => {}, onProgress: () => {}, onEnd: ended.resolve })
  await using second = await open()
  await expect(
    second.stream(slot, ['supabase_realtime'], { onEvent: () => {}, onProgress: () => {}, onEnd: () => {} }),
  ).rejects.toMatchObject({ code: '55006' })
  await cluster.control.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'polder_replication'`,
    [`project_${project.ref}`],
  )
  expect(await ended.promise).toMatchObject({ code: '57P01' })
  await dropWhenFree(slot)
})

test('a transaction that is open for long does not hold up the making of a slot for longer than told', async () => {
  const writer = await project.connect('owner')
  await writer.query('begin; insert into public.whole values (100, null)')
  await using session = await open()
  await expect(session.createSlot('test_waits', 300)).rejects.toMatchObject({ code: 'database.timeout' })
  await writer.query('rollback')
  expect(await session.createSlot('test_waits', 5_000)).toBeGreaterThan(0n)
  await session.dropSlot('test_waits')
})

test('positions are read and written as Postgres spells them', () => {
  for (const text of ['0/0', '0/16B3748', '16/B374D848', 'FFFFFFFF/FFFFFFFF']) expect(fromLsn(toLsn(text))).toBe(text)
})
