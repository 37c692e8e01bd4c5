import type { RestSettings } from '@polder/core'
import { makeClient, type ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRestAdapter } from './adapter.ts'
import { findRestFault } from './fault.ts'
import { bodyText } from './reply.ts'

let cluster: TestCluster
let project: TestProject
let scope: ProjectScope
const rest = createRestAdapter()

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  await project.runAsOwner(`
    create table items (id int primary key, price int not null);
    insert into items select n, n from generate_series(1, 5) n;
    create schema hidden; grant usage on schema hidden to anon; create table hidden.notes (id int); grant select on hidden.notes to anon;
    create function shown(name text) returns text language sql stable as 'select current_setting(name, true)';
    create function quick() returns text language sql volatile set statement_timeout = '100ms' as 'select pg_sleep(5)::text';
    create function serial() returns text language sql volatile set default_transaction_isolation = 'serializable'
      as $$ select current_setting('transaction_isolation') $$;
    create function patient() returns text language sql volatile set statement_timeout = '9s' as $$ select current_setting('statement_timeout') $$`)
  scope = await project.scope('anon')
})
afterAll(() => cluster[Symbol.asyncDispose]())

function withSettings(settings: Partial<RestSettings>): ProjectScope {
  return { ...scope, configuration: { ...scope.configuration, rest: { ...scope.configuration.rest, ...settings } } }
}

async function read(open: ProjectScope, path: string, query = '', headers: Record<string, string> = {}, method = 'GET') {
  return bodyText(await rest.answer(open, { method, path, query, headers, body: null }))
}

const call = (open: ProjectScope, name: string) => read(open, `/rpc/${name}`, '', {}, 'POST')

async function codeOf(sent: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return findRestFault(error)?.pgrst ?? (error as { cause?: { code?: string } } | undefined)?.cause?.code
}

test('changed settings hold from the next request on', async () => {
  expect(await codeOf(read(scope, '/items', 'select=price.sum()'))).toBe('PGRST123')
  expect(await read(withSettings({ areAggregatesAllowed: true }), '/items', 'select=price.sum()')).toBe('[{"sum":15}]')
  expect(JSON.parse(await read(withSettings({ maxRows: 2 }), '/items'))).toHaveLength(2)
  expect(await codeOf(read(scope, '/notes', '', { 'accept-profile': 'hidden' }))).toBe('PGRST106')
  expect(await read(withSettings({ schemas: ['hidden', 'public'] }), '/notes')).toBe('[]')
  expect(await codeOf(read(scope, '/items', 'select=price.sum()'))).toBe('PGRST123')
})

test('functions find the settings of the app', async () => {
  const app = withSettings({ appSettings: { host: `it's "here"` } })
  expect(JSON.parse(await read(app, '/rpc/shown', 'name=app.settings.host'))).toBe(`it's "here"`)
  expect(JSON.parse(await read(scope, '/rpc/shown', 'name=app.settings.host'))).not.toBe(`it's "here"`)
})

test('timeout and isolation of a function are those of its whole transaction', async () => {
  expect(await codeOf(call(scope, 'quick'))).toBe('57014')
  expect(await call(scope, 'serial')).toBe('"serializable"')
  expect(await call(scope, 'patient')).toBe('"9s"')
  expect(JSON.parse(await read(scope, '/rpc/shown', 'name=statement_timeout'))).toBe('30s')
})

test(`what an administrator set for PostgREST's role comes before the settings, within a second`, async () => {
  const superuser = makeClient(cluster.superuserConnection)
  await superuser.connect()
  const plan = () => codeOf(read(scope, '/items', '', { accept: 'application/vnd.pgrst.plan' }))
  try {
    expect(await plan()).toBe('PGRST107')
    await superuser.query(`alter role authenticator set pgrst.db_plan_enabled = 'true'`)
    await superuser.query(`alter role authenticator set pgrst.db_tx_end = 'nonsense'`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(await plan()).toBeUndefined()
  } finally {
    await superuser.query('alter role authenticator reset all')
    await superuser.end()
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await plan()).toBe('PGRST107')
})
