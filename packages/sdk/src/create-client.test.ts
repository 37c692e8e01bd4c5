import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { ClientOf } from './client.ts'
import { createClient } from './create-client.ts'
import { isSdkError, SdkError } from './sdk-error.ts'
import { openStubServer, type StubApi } from './testing/stub-server.ts'

const server = await openStubServer()
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(() => void server.seen.splice(0))

const open = (path = '', options: { token?: string } = {}) =>
  createClient({ url: server.url + path, ...options }) as unknown as ClientOf<StubApi>

const caught = async (call: Promise<unknown>): Promise<SdkError> => {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(SdkError)
  return error as SdkError
}

describe('calls', () => {
  test('queries are GET, mutations POST with JSON, both with the token', async () => {
    const client = open('', { token: 'plr_test' })
    expect(await client.projects.list({})).toEqual([{ ref: 'alpha', createdAt: '1970-01-01T00:00:00.000Z', status: 'active' }])
    await client.projects.rename({ projectRef: 'alpha', name: 'Beta' })
    expect(server.seen.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['GET', 'Bearer plr_test'],
      ['POST', 'Bearer plr_test'],
    ])
    expect(server.seen[1]?.headers['content-type']).toBe('application/json')
  })

  test('queries of one moment share a request, at most ten each', async () => {
    const client = open()
    await Promise.all(Array.from({ length: 12 }, () => client.projects.list()))
    expect(server.seen).toHaveLength(2)
    expect(server.seen[0]?.url).toContain('batch=1')
  })

  test('a call that waits shares its request with nobody', async () => {
    const client = open()
    await Promise.all([client.projects.list(), client.operations.wait({ operationId: 'endless', timeoutMs: 1 })])
    expect(server.seen).toHaveLength(2)
  })

  test('without a token no authorization is sent', async () => {
    await open().projects.list()
    expect(server.seen[0]?.headers.authorization).toBeUndefined()
  })
})

describe('project', () => {
  test('binds the ref in every service, and in projects itself', async () => {
    const project = open().project('alpha')
    expect(project.ref).toBe('alpha')
    expect(await project.auth.listUsers()).toEqual({ ref: 'alpha', page: 1 })
    expect(await project.auth.listUsers({ page: 3 })).toEqual({ ref: 'alpha', page: 3 })
    expect(await project.get()).toEqual({ ref: 'alpha', name: 'Alpha' })
    expect(await project.rename({ name: 'New' })).toEqual({ projectRef: 'alpha', name: 'New' })
    expect(await project.connection()).toMatchObject({ url: 'http://localhost/projects/alpha' })
  })

  test('a ref in the input does not replace the one that is bound', async () => {
    const project = open().project('alpha')
    expect(await project.rename({ name: 'New', projectRef: 'beta' } as { name: string })).toMatchObject({ projectRef: 'alpha' })
  })

  test('clients, projects and services can be awaited and printed without a call', async () => {
    const client = open()
    // What `await` does with anything.
    expect(await Promise.resolve(client)).toBe(client)
    const project = client.project('alpha')
    expect(await Promise.resolve(project)).toBe(project)
    expect(await Promise.resolve(project.auth)).toBe(project.auth)
    expect(JSON.stringify(project)).toBe('{"ref":"alpha"}')
    expect(String(Object.prototype.toString.call(project))).toContain('Object')
    expect(server.seen).toEqual([])
  })

  test('an empty ref is refused at once', () => {
    expect(() => open().project('')).toThrow(SdkError)
  })
})

describe('errors', () => {
  test('carry what the server said', async () => {
    const error = await caught(open().project('missing').get())
    expect(error).toMatchObject({
      code: 'project.not_found',
      message: 'There is no such project.',
      status: 404,
      requestId: 'request-1',
      details: { path: 'projects.get' },
      hint: 'Look again.',
    })
    expect(isSdkError(error, 'project.not_found')).toBe(true)
    expect(isSdkError(error, 'project.busy')).toBe(false)
  })

  test('each call of a batch has its own', async () => {
    const client = open()
    const [good, bad] = await Promise.all([
      client.projects.get({ projectRef: 'alpha' }),
      caught(client.projects.get({ projectRef: 'missing' })),
    ])
    expect(good).toMatchObject({ name: 'Alpha' })
    expect(bad.status).toBe(404)
    expect(server.seen).toHaveLength(1)
  })

  test('an answer that is not ours', async () => {
    expect(await caught(open('/broken').projects.list())).toMatchObject({ code: 'sdk.answer_invalid', status: 502 })
  })

  test('nobody there', async () => {
    const client = createClient({ url: 'http://127.0.0.1:1' }) as unknown as ClientOf<StubApi>
    expect(await caught(client.projects.list())).toMatchObject({ code: 'sdk.unreachable', status: 0 })
    expect(await caught(client.projects.rename({ projectRef: 'a', name: 'b' }))).toMatchObject({ code: 'sdk.unreachable' })
  })

  test('a call that was aborted', async () => {
    const client = open('/silent')
    const stop = new AbortController()
    const calls = [
      client.projects.list({}, { signal: stop.signal }),
      client.projects.rename({ projectRef: 'a', name: 'b' }, { signal: stop.signal }),
    ]
    setTimeout(() => stop.abort(), 20)
    for (const call of calls) expect(await caught(call)).toMatchObject({ code: 'sdk.aborted' })
  })

  test.each(['localhost:8000', 'ftp://x', 'not a url', 'javascript:alert(1)'])('%s is no address', (url) => {
    expect(() => createClient({ url })).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })
})

describe('waiting', () => {
  const project = { organizationId: '7f1f6e1c-3a0e-4a57-9d3a-0f2f6d0f5a11', name: 'shop' }

  test('asks until the operation has ended, and tells of its progress', async () => {
    const heard: string[] = []
    const created = await open().projects.createAndWait(project, { onProgress: ({ status }) => heard.push(status) })
    expect(created).toEqual({ ref: 'shop', name: 'Alpha' })
    expect(heard.at(-1)).toBe('succeeded')
    expect(heard.slice(0, -1).every((status) => status === 'running')).toBe(true)
  })

  test('a failed operation is an error with its own code', async () => {
    const error = await caught(open().projects.createAndWait({ ...project, name: 'broken' }))
    expect(error).toMatchObject({ code: 'project.provisioning_failed', message: 'Undone.', details: { operation: { status: 'failed' } } })
  })

  test('gives up in time', async () => {
    expect(await caught(open().waitForOperation('endless', { timeoutMs: 100 }))).toMatchObject({ code: 'sdk.timeout' })
  })
})
