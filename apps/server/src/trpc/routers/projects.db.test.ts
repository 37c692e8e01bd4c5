import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../../http-server.ts'
import type { Services } from '../../services.ts'
import { openTestServer, untilEnded, type TestServer } from '../../testing/test-server.ts'

/** What the procedures called here answer, as far as the tests look into it. */
interface Answer {
  id: string
  status: string
  length: number
  project: { ref: string }
  operation: { id: string }
  [index: number]: { id: string }
}

interface Person {
  call(
    path: string,
    input: unknown,
    method?: 'GET' | 'POST',
  ): Promise<{ status: number; text: string; data: Answer; code: string | undefined }>
  cookie: string
  organizationId: string
}

let server: TestServer
let services: Services
let app: FastifyInstance
let base: string
let ann: Person
let bob: Person
let ref: string
let operationId: string

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start({ environment: { POLDER_PORT: '8000' } })
  app = await createHttpServer({ services, trustedProxies: null })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  ann = await signUp('ann@test.local')
  bob = await signUp('bob@test.local')
  const { data } = await ann.call('projects.create', { organizationId: ann.organizationId, name: 'Ann’s' })
  ref = data.project.ref
  operationId = data.operation.id
  await untilEnded(server, ref)
})
afterAll(async () => {
  services?.beginStop()
  await app?.close()
  await server[Symbol.asyncDispose]()
})

async function signUp(email: string): Promise<Person> {
  const person: Person = {
    cookie: '',
    organizationId: '',
    async call(path, input, method = 'POST') {
      const query = method === 'GET' && input !== undefined ? `?input=${encodeURIComponent(JSON.stringify(input))}` : ''
      const answer = await fetch(`${base}/trpc/${path}${query}`, {
        method,
        headers: { 'content-type': 'application/json', origin: 'http://localhost:8000', cookie: person.cookie },
        body: method === 'GET' ? undefined : JSON.stringify(input),
      })
      const text = await answer.text()
      const { result, error } = JSON.parse(text)
      const [cookie] = answer.headers.getSetCookie()
      if (cookie) person.cookie = cookie.split(';')[0]!
      return { status: answer.status, text, data: result?.data, code: error?.data.serviceCode }
    },
  }
  const { status, text } = await person.call('account.signUp', { email, password: 'a long enough password' })
  expect(status, text).toBe(200)
  const { data } = await person.call('organizations.list', undefined, 'GET')
  person.organizationId = data[0]?.id ?? (await person.call('organizations.create', { name: email })).data.id
  return person
}

const NOT_THERE = 'z'.repeat(20)
const withoutId = (text: string) => text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>')

describe('what is not yours is not there: the same bytes', () => {
  test.each([
    ['projects.get', {}, 'GET'],
    ['projects.getConnection', {}, 'GET'],
    ['projects.listAuditEntries', {}, 'GET'],
    ['operations.list', {}, 'GET'],
    ['database.listTables', {}, 'GET'],
    ['rest.listTables', {}, 'GET'],
    ['auth.listUsers', {}, 'GET'],
    ['projects.rename', { name: 'Bob’s' }, 'POST'],
    ['projects.delete', { name: 'Ann’s' }, 'POST'],
    ['projects.retry', {}, 'POST'],
    ['projects.revealSecret', { secret: 'jwt_secret' }, 'POST'],
    ['projects.takeFirstUserPassword', {}, 'POST'],
    ['database.runSql', { sql: 'select 1' }, 'POST'],
  ] as const)('%s', async (path, input, method) => {
    const [theirs, nothing] = await Promise.all([ref, NOT_THERE].map((projectRef) => bob.call(path, { projectRef, ...input }, method)))
    expect(theirs!.status).toBe(404)
    expect(theirs!.code).toBe('project.not_found')
    expect(withoutId(theirs!.text)).toBe(withoutId(nothing!.text))
  })

  test('projects.transfer, to an organization of the thief', async () => {
    const move = (projectRef: string) => bob.call('projects.transfer', { projectRef, organizationId: bob.organizationId })
    expect(withoutId((await move(ref)).text)).toBe(withoutId((await move(NOT_THERE)).text))
  })

  test('operations.get and operations.wait', async () => {
    for (const path of ['operations.get', 'operations.wait']) {
      const [theirs, nothing] = await Promise.all(
        [operationId, '00000000-0000-4000-8000-000000000000'].map((id) => bob.call(path, { operationId: id }, 'GET')),
      )
      expect(theirs!.status).toBe(404)
      expect(withoutId(theirs!.text)).toBe(withoutId(nothing!.text))
    }
  })

  test('projects.create in an organization of somebody else', async () => {
    const [theirs, nothing] = await Promise.all(
      [ann.organizationId, '00000000-0000-4000-8000-000000000000'].map((organizationId) =>
        bob.call('projects.create', { organizationId, name: 'x' }),
      ),
    )
    expect(theirs!.code).toBe('organization.not_found')
    expect(withoutId(theirs!.text)).toBe(withoutId(nothing!.text))
  })

  test('and nothing of it happened', async () => {
    expect((await ann.call('projects.get', { projectRef: ref }, 'GET')).data).toMatchObject({ name: 'Ann’s', status: 'active' })
    expect((await bob.call('projects.list', {}, 'GET')).data).toEqual([])
  })
})

describe('bad input is a coded refusal and changes nothing', () => {
  const REFS = [
    null,
    1,
    '',
    ' ',
    '..',
    'UPPER',
    '__proto__',
    'a\0b',
    "'; drop table projects; --",
    'x'.repeat(10_000),
    [],
    {},
    '💥',
    '\ud800',
  ]
  test.each(REFS)('a ref of %j', async (projectRef) => {
    for (const path of ['projects.delete', 'projects.rename']) {
      const answer = await ann.call(path, { projectRef, name: 'x' })
      expect([400, 404], answer.text).toContain(answer.status)
    }
  })

  test.each([
    {},
    { name: '' },
    { name: ' \t ' },
    { name: 'a\0b' },
    { name: 'line\nbreak' },
    { name: 'x'.repeat(101) },
    { name: 7 },
    { name: 'x', region: 'Not A Region' },
    { name: 'x', clusterId: 'none' },
    { name: 'x', databasePassword: 'short' },
    { name: 'x', databasePassword: 'with a\0 in it, long enough' },
    { name: 'x', plan: 'dedicated' },
    { name: 'x', ref: 'chosenbytheattacker0' },
    { name: 'x', status: 'active' },
  ])('creating with %j', async (input) => {
    const answer = await ann.call('projects.create', { organizationId: ann.organizationId, ...input })
    expect([answer.status, answer.code], answer.text).toEqual([400, 'request.invalid'])
  })

  test('left one project, and no error of ours', async () => {
    expect((await ann.call('projects.list', {}, 'GET')).data).toHaveLength(1)
    expect(server.observed.filter((one) => one.kind === 'error')).toEqual([])
  })
})

describe('watching projects', () => {
  test('tells of those of the account, live, and of nobody else’s', async () => {
    const stop = new AbortController()
    const seen = { ann: '', bob: '' }
    for (const [name, person] of [
      ['ann', ann],
      ['bob', bob],
    ] as const) {
      const answer = await fetch(`${base}/trpc/projects.watch?input=%7B%7D`, {
        headers: { accept: 'text/event-stream', cookie: person.cookie },
        signal: stop.signal,
      })
      expect(answer.status).toBe(200)
      void (async () => {
        for await (const chunk of answer.body!) seen[name] += Buffer.from(chunk).toString()
      })().catch(() => {})
    }
    const until = async (isTrue: () => boolean) => {
      for (let i = 0; i < 200 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await until(() => seen.ann.includes('connected') && seen.bob.includes('connected'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    await ann.call('projects.rename', { projectRef: ref, name: 'Seen live' })
    await until(() => seen.ann.includes('Seen live'))
    expect(seen.ann).toContain('Seen live')
    const { data: operation } = await ann.call('projects.delete', { projectRef: ref, name: 'Seen live' })
    await until(() => seen.ann.includes('"isDeleted":true'))
    expect(seen.ann).toContain('"isDeleted":true')
    expect(seen.bob).not.toContain(ref)
    expect((await ann.call('operations.wait', { operationId: operation.id }, 'GET')).data.status).toBe('succeeded')
    stop.abort()
  })
})
