import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toBlockList } from './config.ts'
import { createHttpServer } from './http-server.ts'
import { sendRaw } from './testing/raw-request.ts'
import { openTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
let app: FastifyInstance
let proxied: FastifyInstance
let port: number
let proxiedPort: number

beforeAll(async () => {
  server = await openTestServer()
  const services = await server.start()
  const timeouts = { requestTimeout: 1500, headersTimeout: 1000, connectionsCheckingInterval: 100 }
  app = await createHttpServer({ services, trustedProxies: null, timeouts })
  proxied = await createHttpServer({ services, trustedProxies: toBlockList(['127.0.0.0/8']) })
  for (const one of [app, proxied]) one.get('/echo', (request) => ({ ip: request.ip, headers: request.headers }))
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  proxiedPort = Number(new URL(await proxied.listen({ port: 0, host: '127.0.0.1' })).port)
})
afterAll(async () => {
  await app?.close()
  await proxied?.close()
  await server[Symbol.asyncDispose]()
})

const request = (line: string, headers: string[] = [], body = '') =>
  `${line} HTTP/1.1\r\n${['Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`

describe('requests that two readers could read differently', () => {
  test.each([
    ['length and chunks', request('POST /trpc/account.signIn', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n')],
    ['a hidden Transfer-Encoding', request('POST /trpc/account.signIn', ['Transfer-Encoding : chunked'], '0\r\n\r\n')],
    ['an unknown Transfer-Encoding', request('POST /trpc/account.signIn', ['Transfer-Encoding: xchunked'], '0\r\n\r\n')],
    ['two lengths', request('POST /trpc/account.signIn', ['Content-Length: 4', 'Content-Length: 5'], 'abcde')],
    ['a length with a sign', request('POST /trpc/account.signIn', ['Content-Length: +4'], 'abcd')],
    ['a chunk size that is none', request('POST /trpc/account.signIn', ['Transfer-Encoding: chunked'], 'zz\r\nabc\r\n0\r\n\r\n')],
    ['two hosts', request('GET /health', ['Host: y'])],
    ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a folded header', request('GET /health', ['X-A: 1\r\n 2'])],
    ['a NUL in a header', request('GET /health', ['X-A: a\0b'])],
    ['a NUL in the path', request('GET /health\0')],
    ['a bare line feed', 'GET /health HTTP/1.1\nHost: x\n\n'],
    ['a space before the colon', request('GET /health', ['Host : y'])],
  ])('%s: refused', async (_name, bytes) => {
    const answer = await sendRaw(port, bytes, { withinMs: 5000 })
    expect(answer.status, answer.text).toBe(400)
    expect(answer.text.match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  test('100 kB of headers: refused', async () => {
    expect((await sendRaw(port, request('GET /health', [`X-A: ${'a'.repeat(100_000)}`]))).status).toBe(431)
  })
})

describe('slow clients', () => {
  test('one that never ends its headers is closed', async () => {
    const answer = await sendRaw(port, ['GET /health HTTP/1.1\r\nHost: x\r\n', ...Array.from({ length: 60 }, (_, i) => `X-${i}: 1\r\n`)], {
      pauseMs: 100,
    })
    expect(answer.closedAfterMs).toBeLessThan(5000)
  })

  test('one that never ends its body is closed', async () => {
    const head = 'POST /trpc/account.signIn HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n'
    const answer = await sendRaw(port, [head, ...Array.from({ length: 60 }, () => 'a')], { pauseMs: 100 })
    expect(answer.closedAfterMs).toBeLessThan(5000)
  })
})

describe('what a request says of itself', () => {
  const headers = [
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Host: evil',
    'X-Real-IP: 6.6.6.6',
    'X-Project-Ref: other',
    'X-Request-Id: given-1',
  ]
  const echo = async (to: number) => {
    const { text } = await sendRaw(to, request('GET /echo', headers))
    return { text, body: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { ip: string; headers: Record<string, string> } }
  }

  test('is not believed from anybody', async () => {
    const { text, body } = await echo(port)
    expect(body.ip).toBe('127.0.0.1')
    expect(Object.keys(body.headers).filter((name) => /^x-(forwarded|project|real)/.test(name))).toEqual([])
    expect(text).not.toContain('x-request-id: given-1')
  })

  test('is believed from a proxy that the configuration names, but for the project', async () => {
    const { text, body } = await echo(proxiedPort)
    expect(body.ip).toBe('6.6.6.6')
    expect(body.headers['x-project-ref']).toBeUndefined()
    expect(text).toContain('x-request-id: given-1')
  })
})

describe('the door of tRPC', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}/trpc/account.signIn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })

  test.each([
    ['JSON nested 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400],
    ['objects nested 65 deep', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 400],
    ['__proto__', '{"__proto__":{"email":"a@b.c","password":"x"}}', 400],
    ['half of it', '{"email":', 400],
    ['nothing', '', 400],
    ['two megabytes', `"${'a'.repeat(2 << 20)}"`, 413],
    ['brackets in a text', JSON.stringify({ email: '['.repeat(300), password: '{' }), 401],
  ])('%s: a coded refusal', async (_name, body, status) => {
    const answer = await post(body)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ error: { data: { serviceCode: expect.any(String), requestId: expect.any(String) } } })
    expect(server.observed.filter((one) => one.kind === 'error')).toEqual([])
  })

  test('sends what browsers need to be careful', async () => {
    const { headers } = await post('{}')
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    })
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  test('ends subscriptions with the server, so that they cannot keep it', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/trpc/projects.watch`, { headers: { accept: 'text/event-stream' } })
    await answer.body?.cancel()
    expect(answer.status).toBeLessThan(500)
  })
})

test('health says that it works, which Postgres it has and what that lacks, and nothing else', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/health`)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({
    status: 'ok',
    version: expect.any(String),
    postgres: { version: 180_004, warning: expect.stringContaining('18.4 lacks') },
  })
})

test('what is not there is a coded 404', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/nothing`)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ error: { code: 'request.not_found', requestId: expect.any(String) } })
})
