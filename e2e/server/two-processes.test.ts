import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createClient } from '@polder/sdk'
import { findFreePort, makeFolder, removeFolder, startServer, type RunningServer } from '@polder/tooling/server'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createApp, openPolder, openSupabase, signUpWithToken, type App } from './platform.ts'

let second: RunningServer
let folder: string
let app: App

/** The same project at the second server's address. */
const there = (): App => ({ ...app, url: app.url.replace(inject('serverUrl'), second.url) })

beforeAll(async () => {
  // A second process takes the first one's Postgres as an external cluster, with the master key that they must share.
  const masterKey = readFileSync(path.join(inject('serverFolder'), 'master.key'), 'utf8').trim()
  const password = createHmac('sha256', Buffer.from(masterKey, 'base64')).update('role:postgres').digest('base64url')
  const pidFile = readFileSync(path.join(inject('serverFolder'), 'postgres/data/postmaster.pid'), 'utf8').split('\n')
  folder = await makeFolder()
  second = await startServer({
    folder,
    port: await findFreePort(),
    postgresPort: await findFreePort(),
    environment: { POLDER_MASTER_KEY: masterKey, POLDER_CLUSTER_URL: `postgres://postgres:${password}@127.0.0.1:${pidFile[3]}/postgres` },
  })
  app = await createApp(await openPolder('two@e2e.test'), 'two doors')
})

afterAll(async () => {
  await second?.stop()
  await removeFolder(folder)
})

test('a project made at one server process is served by the other', async () => {
  const signedUp = await openSupabase(app).auth.signUp({ email: 'ada@two.test', password: 'correct horse' })
  expect(signedUp.error).toBeNull()
  const signedIn = await openSupabase(there()).auth.signInWithPassword({ email: 'ada@two.test', password: 'correct horse' })
  expect(signedIn.data.user?.id).toBe(signedUp.data.user?.id)
})

test('what one changes, the other knows: a schema, a name, the end of the project', async () => {
  const here = await openPolder('two@e2e.test')
  const polderThere = createClient({ url: second.url, token: await signUpWithToken('two@e2e.test') })
  await here
    .project(app.ref)
    .database.runSql({ sql: 'create table public.notes (id int primary key, body text); insert into public.notes values (1, $$hello$$)' })
  await expect
    .poll(async () => (await openSupabase(there()).from('notes').select()).data, { timeout: 5000 })
    .toEqual([{ id: 1, body: 'hello' }])
  await here.project(app.ref).projects.rename({ name: 'renamed' })
  expect((await polderThere.project(app.ref).projects.get()).name).toBe('renamed')
  const operation = await here.project(app.ref).projects.delete({ name: 'renamed' })
  await here.waitForOperation(operation.id)
  await expect
    .poll(async () => (await fetch(`${there().url}/rest/v1/notes`, { headers: { apikey: app.anonKey } })).status, { timeout: 5000 })
    .toBe(404)
})
