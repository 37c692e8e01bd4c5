import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster } from '../testing/test-cluster.ts'
import { openPlatformEvents, type PlatformEvent, type PlatformEvents } from './platform-events.ts'

let cluster: TestCluster

beforeAll(async () => {
  cluster = await openTestCluster()
})

afterAll(async () => {
  await cluster[Symbol.asyncDispose]()
})

async function listen(): Promise<{ events: PlatformEvents; heard: PlatformEvent[] } & AsyncDisposable> {
  const connection = { ...cluster.platformConnection, application_name: `events_${Math.random()}` }
  const events = await openPlatformEvents({ connection, observe: () => {} })
  const heard: PlatformEvent[] = []
  events.subscribe((event) => heard.push(event))
  return { events, heard, [Symbol.asyncDispose]: () => events.close() }
}

const changed = { type: 'project_changed', ref: 'abc' } as const

test('every process hears an event once, its own at once', async () => {
  await using here = await listen()
  await using there = await listen()
  const published = here.events.publish(changed)
  expect(here.heard).toEqual([changed])
  await published
  await expect.poll(() => there.heard).toEqual([changed])
  await there.events.publish({ type: 'access_changed', accountId: 'x' })
  await expect.poll(() => here.heard.length).toBe(2)
  expect(here.heard).toHaveLength(2)
  expect(there.heard).toHaveLength(2)
})

test('an event of a transaction is heard when it is committed, and never if it is not', async () => {
  await using here = await listen()
  await using there = await listen()
  await cluster.platform.transaction().execute(async (tx) => {
    await here.events.publish(changed, tx)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([...here.heard, ...there.heard]).toEqual([])
  })
  await expect.poll(() => [here.heard, there.heard]).toEqual([[changed], [changed]])
  const undone = cluster.platform.transaction().execute(async (tx) => {
    await here.events.publish({ ...changed, ref: 'undone' }, tx)
    throw new Error('undo')
  })
  await expect(undone).rejects.toThrow('undo')
  await here.events.publish({ ...changed, ref: 'last' })
  await expect.poll(() => there.heard.at(-1)).toEqual({ ...changed, ref: 'last' })
  expect(there.heard).toHaveLength(2)
})

test('a lost connection comes back, says so, and sends what was not sent', async () => {
  await using here = await listen()
  await using there = await listen()
  expect(here.events.isConnected).toBe(true)
  await cluster.control.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'events_%' and datname = current_database()`,
  )
  await expect.poll(() => here.events.isConnected && there.events.isConnected).toBe(true)
  await expect.poll(() => [here.heard, there.heard]).toEqual([[{ type: 'resync' }], [{ type: 'resync' }]])
  const lost = cluster.control.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name like 'events_%' and datname = current_database()`,
  )
  for (let number = 0; number < 50; number += 1) {
    await here.events.publish({ ...changed, ref: `during-${number}` })
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await lost
  await expect.poll(() => here.events.isConnected && there.events.isConnected).toBe(true)
  await here.events.publish({ ...changed, ref: 'after' })
  await expect.poll(() => there.heard.some((event) => 'ref' in event && event.ref === 'after')).toBe(true)
  expect(here.heard.filter((event) => event.type === 'project_changed')).toHaveLength(51)
})

test('what is not an event is not delivered, and a listener that throws stops nobody', async () => {
  await using here = await listen()
  here.events.subscribe(() => {
    throw new Error('bad listener')
  })
  const after: PlatformEvent[] = []
  const unsubscribe = here.events.subscribe((event) => after.push(event))
  for (const payload of [
    '',
    'null',
    '{}',
    '[]',
    '{"from":null,"event":{"type":"resync"}}',
    '{"from":1,"event":{"type":"project_changed","ref":"x"}}',
    '{"from":null,"event":{"type":"project_changed","ref":[]}}',
    '\u{1f600}',
  ]) {
    await cluster.control.query('select pg_notify($1, $2)', ['polder_events', payload])
  }
  await here.events.publish(changed)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect([here.heard, after]).toEqual([[changed], [changed]])
  unsubscribe()
  await here.events.publish(changed)
  expect([here.heard.length, after.length]).toEqual([2, 1])
})
