import { ERROR_CATALOG, type LogConditions, type LogEntry, type ProjectRef } from '@polder/core'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../http-server.ts'
import type { Services } from '../services.ts'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let services: Services
let app: FastifyInstance
let base: string
let owner: TestAccount
let alpha: Project
let beta: Project

interface Project {
  ref: ProjectRef
  anonKey: string
  url: string
}

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  app = await createHttpServer({ services, trustedProxies: null })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  owner = await server.createAccount('owner')
  ;[alpha, beta] = await Promise.all([create('Alpha'), create('Beta')])
})
afterAll(async () => {
  services?.beginStop()
  await app?.close()
  await server[Symbol.asyncDispose]()
})

async function create(name: string): Promise<Project> {
  const { project } = await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name })
  await untilEnded(server, project.ref)
  const { anonKey } = await services.projects.getConnection(project.ref)
  return { ref: project.ref, anonKey, url: `${base}/projects/${project.ref}` }
}

const range = () => ({ from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 60_000) })

/** Waits for that many lines, since they are written a moment after what they tell of. */
async function untilLogged(project: Project, conditions: LogConditions, count = 1): Promise<LogEntry[]> {
  const read = async () =>
    (await services.adapters.logs.query(project, { range: range(), conditions, order: 'oldest', limit: 100 })).entries
  await expect.poll(async () => (await read()).length, { timeout: 10_000 }).toBe(count)
  return read()
}

const signUp = (project: Project, email: string) =>
  fetch(`${project.url}/auth/v1/signup?apikey=${project.anonKey}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'a secret password' }),
  })

describe('requests of apps', () => {
  test('are lines of their project, with what is known of them and without keys', async () => {
    const { access_token: token, user } = (await (await signUp(alpha, 'ada@example.com')).json()) as {
      access_token: string
      user: { id: string }
    }
    const headers = { apikey: alpha.anonKey, authorization: `Bearer ${token}` }
    const answer = await fetch(`${alpha.url}/rest/v1/nothing?select=id`, { headers })
    const [signup] = await untilLogged(alpha, { services: ['auth'], path: 'signup' })
    expect(signup).toMatchObject({ level: 'info', method: 'POST', status: 200, path: '/auth/v1/signup?apikey=[redacted]', userId: null })
    const [read] = await untilLogged(alpha, { services: ['rest'] })
    expect(read).toMatchObject({
      level: 'warn',
      status: 404,
      method: 'GET',
      path: '/rest/v1/nothing?select=id',
      userId: user.id,
      ip: '127.0.0.1',
      requestId: answer.headers.get('x-request-id'),
    })
    expect(read!.bytes).toBeGreaterThan(100)
    expect(read!.durationMs).toBeGreaterThan(0)
  })

  test('with a wrong key are seen too, those for projects that are not there nowhere', async () => {
    await fetch(`${beta.url}/rest/v1/x`, { headers: { apikey: alpha.anonKey } })
    await fetch(`${base}/projects/nosuchproject/rest/v1/x`)
    await untilLogged(beta, { services: ['rest'], status: { from: 401, to: 401 } })
    expect(
      (
        await services.adapters.logs.query(
          { ref: 'nosuchproject' as ProjectRef },
          { range: range(), conditions: {}, order: 'newest', limit: 10 },
        )
      ).entries,
    ).toEqual([])
  })

  test('are kept from the level on that the project asks for, from the next request on', async () => {
    await services.projectSettings.update(owner.actor, beta.ref, 'logs', { level: 'warn' })
    const quiet = await fetch(`${beta.url}/auth/v1/settings?quiet`, { headers: { apikey: beta.anonKey } })
    expect(quiet.status).toBe(200)
    await fetch(`${beta.url}/rest/v1/loud`, { headers: { apikey: beta.anonKey } })
    await untilLogged(beta, { path: 'loud' })
    await untilLogged(beta, { path: 'quiet' }, 0)
  })
})

test('what services say stands beside the request that it belongs to', async () => {
  services.observe({
    kind: 'log',
    ref: alpha.ref,
    level: 'info',
    service: 'functions',
    message: 'hello',
    requestId: 'story',
    fields: { step: 1 },
  })
  services.observe({
    kind: 'error',
    ref: alpha.ref,
    code: 'database.unavailable',
    cause: new Error('password=hunter2'),
    requestId: 'story',
  })
  services.observe({ kind: 'pool', ref: alpha.ref, event: 'exhausted', message: 'no connection within 10 ms' })
  const story = await untilLogged(alpha, { requestId: 'story' }, 2)
  expect(story.map(({ service, level, message }) => [service, level, message])).toEqual([
    ['functions', 'info', 'hello'],
    ['database', 'error', ERROR_CATALOG['database.unavailable'].sentence],
  ])
  expect(JSON.stringify(story)).not.toContain('hunter2')
  await untilLogged(alpha, { services: ['operations'], search: 'project.create' }, 1)
})

describe('an export', () => {
  const ask = async (account: TestAccount) =>
    services.logExports
      .create(account.actor, alpha.ref, { format: 'ndjson', range: range(), conditions: {} })
      .url.replace(/^http:\/\/[^/]+/, base)

  test('is a file at an address of its own', async () => {
    const answer = await fetch(await ask(owner))
    expect(answer.headers.get('content-disposition')).toMatch(new RegExp(`^attachment; filename="${alpha.ref}-log-.*\\.ndjson"$`))
    const lines = (await answer.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogEntry)
    expect(lines.length).toBeGreaterThan(3)
  })

  test('is not there for others, for another project, or once somebody may not read any more', async () => {
    const url = await ask(owner)

    for (const wrong of [
      url.replace(alpha.ref, beta.ref),
      `${url.slice(0, -4)}AAAA`,
      `${base}/downloads/logs/${alpha.ref}/x`,
      url.replace(alpha.ref, '..'),
    ]) {
      expect((await fetch(wrong)).status).toBe(404)
    }
    const viewer = await server.createAccount('viewer')
    const theirs = await ask(viewer)
    expect((await fetch(theirs)).status).toBe(200)
    await server.cluster.platform.deleteFrom('members').where('account_id', '=', viewer.account.accountId).execute()
    expect((await fetch(theirs)).status).toBe(404)
  })
})

describe('saved queries', () => {
  const query = { name: 'Errors', conditions: { levels: ['error' as const] }, lastMinutes: 60 }

  test('are kept by name, for the project alone', async () => {
    await services.savedLogQueries.save(owner.actor, alpha.ref, query)
    const again = await services.savedLogQueries.save(owner.actor, alpha.ref, { ...query, name: 'errors', lastMinutes: 5 })
    expect(await services.savedLogQueries.list(alpha.ref)).toEqual([again])
    expect(await services.savedLogQueries.list(beta.ref)).toEqual([])
    await expect(services.savedLogQueries.delete(beta.ref, again.id)).rejects.toMatchObject({ code: 'logs.query_not_found' })
    await services.savedLogQueries.delete(alpha.ref, again.id)
    expect(await services.savedLogQueries.list(alpha.ref)).toEqual([])
  })
})

test('a deleted project’s log is gone', async () => {
  const gone = await create('Gone')
  await fetch(`${gone.url}/rest/v1/x`, { headers: { apikey: gone.anonKey } })
  await untilLogged(gone, { services: ['rest'] })
  await services.projects.delete(owner.actor, gone.ref, 'Gone')
  expect(await untilEnded(server, gone.ref)).toMatchObject({ status: 'succeeded' })
  await untilLogged(gone, {}, 0)
})
