import { createServer, type RequestListener, type Server } from 'node:http'
import { BlockList, type AddressInfo } from 'node:net'
import os from 'node:os'
import { ServiceError } from '@polder/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAddressGuard } from './address-guard.ts'
import { createOutgoingClient, type OutgoingClient } from './outgoing-client.ts'
import { isPublicAddress } from './public-address.ts'

let server: Server
let port: number
let answer: RequestListener
let asked = 0
const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
const resolve = async (host: string) => {
  if (host === 'inside.test') return [{ address: '127.0.0.1', family: 4 }]
  if (host === 'both.test') return ['93.184.216.34', '127.0.0.1'].map((address) => ({ address, family: 4 }))
  if (host === 'mapped.test') return [{ address: '::ffff:127.0.0.1', family: 6 }]
  return []
}
let open: OutgoingClient
let closed: OutgoingClient

beforeAll(async () => {
  server = createServer((request, response) => {
    asked += 1
    answer(request, response)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  port = (server.address() as AddressInfo).port
  open = createOutgoingClient({ guard: createAddressGuard({ allowed: loopback, resolve }), ports: [port] })
  closed = createOutgoingClient({ guard: createAddressGuard({ resolve }), ports: [80, 443, port] })
})
afterAll(async () => {
  await open[Symbol.asyncDispose]()
  await closed[Symbol.asyncDispose]()
  server.closeAllConnections()
  server.close()
})

const codeOf = (error: unknown) => (error instanceof ServiceError ? error.code : String(error))

describe('what is not public is never reached', () => {
  const own = Object.values(os.networkInterfaces()).flatMap((list) => list ?? [])
  const hosts = [
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.1', '017700000001', '0177.0.0.1', '127.0.0.1.', '0', '0.0.0.0'],
    ...['localhost', 'LOCALHOST', 'localhost.', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1'],
    ...['169.254.169.254', '169.254.170.2', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1', '192.88.99.1'],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[fe80::1]'],
    ...['[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[2001:db8::1]', '[2001::1]', '[5f00::1]', '[100::1]', '[3fff::1]'],
    ...['①②⑦.⓪.⓪.①', '127。0。0。1', 'inside.test', 'both.test', 'mapped.test'],
    ...own.map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address)),
  ]

  test.each(hosts)('%s', async (host) => {
    const before = asked
    for (const scheme of ['http', 'https']) {
      const error = await closed.send({ url: `${scheme}://${host}:${port}/`, timeoutMs: 2000 }).catch(codeOf)
      expect(['outgoing.address_blocked', 'outgoing.unreachable', 'outgoing.url_invalid']).toContain(error)
    }
    expect(asked).toBe(before)
  })

  test.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/', 'data:,x', 'javascript:1', '//example.com', 'x', ''])(
    'nor with another scheme: %s',
    async (url) => {
      await expect(closed.send({ url })).rejects.toMatchObject({ code: 'outgoing.url_invalid' })
    },
  )

  test.each(['http://user@example.com/', 'http://:secret@example.com/', 'http://example.com:22/', 'http://example.com:5432/'])(
    'nor with a name, a password or another port: %s',
    async (url) => {
      await expect(closed.send({ url })).rejects.toMatchObject({ code: 'outgoing.url_invalid' })
    },
  )

  test('whatever is in a private network is not public, and whatever is mapped into IPv6 neither', () => {
    const octet = fc.integer({ min: 0, max: 255 })
    const inside = fc.oneof(
      fc.tuple(fc.constantFrom('10', '127', '0'), octet, octet, octet),
      fc.tuple(fc.constant('192'), fc.constant('168'), octet, octet),
      fc.tuple(fc.constant('172'), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet),
    )
    fc.assert(
      fc.property(inside, (parts) => {
        const address = parts.join('.')
        return !isPublicAddress(address) && !isPublicAddress(`::ffff:${address}`)
      }),
      { numRuns: 500 },
    )
    for (const address of ['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111']) expect(isPublicAddress(address)).toBe(true)
  })

  test('an allowed network is reached, but not the installation’s own ports in it', async () => {
    answer = (_request, response) => response.end('ok')
    expect((await open.send({ url: `http://127.0.0.1:${port}/` })).body.toString()).toBe('ok')
    const guard = createAddressGuard({ allowed: loopback, ownPorts: new Set([port]), resolve })
    await using own = createOutgoingClient({ guard, ports: [port] })
    for (const host of ['127.0.0.1', '127.1.2.3', 'inside.test', '[::ffff:127.0.0.1]', 'mapped.test']) {
      await expect(own.send({ url: `http://${host}:${port}/` })).rejects.toMatchObject({ code: 'outgoing.address_blocked' })
    }
  })
})

describe('a request', () => {
  test('goes as it is, and its answer comes back', async () => {
    const seen: unknown[] = []
    answer = (request, response) => {
      request.setEncoding('utf8').on('data', (text) => seen.push(request.method, request.url, request.headers['x-test'], text))
      request.on('end', () => response.writeHead(418, { 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] }).end('tea'))
    }
    const url = `http://inside.test:${port}/path?query=1`
    const got = await open.send({ url, method: 'POST', headers: { 'x-test': 'yes' }, body: 'body' })
    expect(seen).toEqual(['POST', '/path?query=1', 'yes', 'body'])
    expect(got).toMatchObject({ status: 418, body: Buffer.from('tea'), isTruncated: false })
    expect(got.headers).toMatchObject({ 'x-a': '1', 'set-cookie': 'a=1, b=2' })
  })

  test('follows no redirection', async () => {
    answer = (_request, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    expect(await open.send({ url: `http://127.0.0.1:${port}/` })).toMatchObject({ status: 302 })
  })

  test('reads no more of an answer than it was told', async () => {
    answer = (_request, response) => {
      const more = () => response.writable && response.write('x'.repeat(65_536), more)
      more()
      response.on('error', () => {})
    }
    const got = await open.send({ url: `http://127.0.0.1:${port}/`, maxBytes: 1000 })
    expect([got.body.length, got.isTruncated]).toEqual([1000, true])
  })

  test('ends when its time is over, whether headers or body are slow', async () => {
    const url = `http://127.0.0.1:${port}/`
    answer = () => {}
    await expect(open.send({ url, timeoutMs: 100 })).rejects.toMatchObject({ code: 'outgoing.timed_out' })
    answer = (_request, response) => response.write('a')
    await expect(open.send({ url, timeoutMs: 100 })).rejects.toMatchObject({ code: 'outgoing.timed_out' })
    answer = (_request, response) => response.destroy()
    await expect(open.send({ url })).rejects.toMatchObject({ code: 'outgoing.unreachable' })
  })

  test.each([
    ['Host', 'x'],
    ['content-length', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['connection', 'x-secret'],
    ['x y', '1'],
    ['x', 'a\r\nb: c'],
    ['x', '\0'],
  ])('cannot send the header %j: %j', async (name, value) => {
    const request = { url: `http://127.0.0.1:${port}/`, headers: { [name]: value } }
    await expect(open.send(request)).rejects.toMatchObject({ code: 'outgoing.url_invalid' })
  })
})
