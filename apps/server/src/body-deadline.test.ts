import { setTimeout as sleep } from 'node:timers/promises'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { limitBodies } from './body-deadline.ts'
import { sendRaw } from './testing/raw-request.ts'

let app: FastifyInstance
let port: number
const listeners: number[] = []

beforeAll(async () => {
  app = fastify({ requestTimeout: 0 })
  limitBodies(app, 400)
  app.addContentTypeParser('*', (_request, body, done) => done(null, body))
  const count = async (request: { body: unknown; raw: { socket: { listenerCount(name: string): number } } }) => {
    let length = 0
    for await (const chunk of request.body as AsyncIterable<Buffer>) length += chunk.length
    listeners.push(request.raw.socket.listenerCount('close'))
    return { length }
  }
  app.post('/plain', count)
  app.post('/upload', { config: { isUpload: true } }, count)
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
})
afterAll(() => app.close())

const head = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: a/b\r\nContent-Length: ${length}\r\n\r\n`
const pieces = Array.from({ length: 12 }, () => 'a'.repeat(20_000))

test('an upload may take longer than the deadline while its bytes come; another body may not', async () => {
  const upload = await sendRaw(port, [head('/upload', 240_000), ...pieces], { pauseMs: 100 })
  expect(upload).toMatchObject({ status: 200, text: expect.stringContaining('{"length":240000}') })
  expect((await sendRaw(port, [head('/plain', 240_000), ...pieces], { pauseMs: 100 })).status).toBe(408)
})

test('an upload whose bytes trickle or stop is closed', async () => {
  const drops = Array.from({ length: 30 }, () => 'a')
  for (const sent of [[head('/upload', 1000)], [head('/upload', 1000), ...drops]]) {
    const answer = await sendRaw(port, sent, { pauseMs: 100 })
    expect(answer.status).toBe(408)
    expect(answer.closedAfterMs).toBeLessThan(2000)
  }
})

test('a connection that serves many bodies gathers nothing', async () => {
  listeners.length = 0
  for (let i = 0; i < 30; i++)
    await (await fetch(`http://127.0.0.1:${port}/plain`, { method: 'POST', body: 'abc', headers: { 'content-type': 'a/b' } })).json()
  await sleep(0)
  expect(Math.max(...listeners) - Math.min(...listeners)).toBeLessThanOrEqual(1)
})
