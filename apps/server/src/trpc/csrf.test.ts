import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSameSiteRule, type DoorRequest } from './csrf.ts'

const rule = createSameSiteRule('https://polder.example.com')
const ours: DoorRequest['headers'] = {
  'content-type': 'application/json',
  origin: 'https://polder.example.com',
  'sec-fetch-site': 'same-origin',
  cookie: '__Host-polder_session=abc',
}
const post = (headers: DoorRequest['headers'], path = 'organizations.create') => ({
  method: 'POST',
  path,
  headers: { ...ours, ...headers },
})

const crossSite = expect.objectContaining({ code: 'request.cross_site' })
const invalid = expect.objectContaining({ code: 'request.invalid' })

describe('an unsafe request', () => {
  test('of our own pages, and of a program without a cookie, passes', () => {
    rule(post({}))
    rule(post({ 'sec-fetch-site': undefined }))
    rule(post({ origin: undefined, cookie: undefined, 'sec-fetch-site': undefined, authorization: 'Bearer plr_x' }))
    rule(post({ 'sec-fetch-site': 'none' }))
  })

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'https://evil.polder.example.com' },
    { origin: 'https://polder.example.com.evil.example' },
    { origin: 'http://polder.example.com' },
    { origin: 'https://polder.example.com:8443' },
    { origin: 'https://polder.example.com/' },
    { origin: 'HTTPS://POLDER.EXAMPLE.COM' },
    { origin: 'null' },
    { origin: '' },
    { origin: ['https://polder.example.com', 'https://evil.example'] },
    { origin: undefined },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': '' },
    { origin: undefined, cookie: undefined, 'sec-fetch-site': 'cross-site' },
  ])('with %j is of another site', (headers) => expect(() => rule(post(headers))).toThrow(crossSite))

  test.each([
    undefined,
    '',
    'text/plain',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'application/json; charset=utf-8',
    'application/json, text/plain',
    'APPLICATION/JSON',
    'application/jsonp',
  ])('of content type %j is refused', (type) => expect(() => rule(post({ 'content-type': type }))).toThrow(invalid))

  test.each(['PUT', 'PATCH', 'DELETE', 'QUERY', 'post'])('by %s is held to the same', (method) => {
    expect(() => rule({ ...post({ origin: 'https://evil.example' }), method })).toThrow(crossSite)
  })

  test('property: no origin but ours passes', () => {
    const scheme = fc.constantFrom('https://', 'http://', 'HTTPS://', '', 'https:')
    const end = fc.constantFrom('', '/', ':443', ':8443', '.', '.evil.example', '@evil.example', '\\', '%00', ' ')
    const host = fc.oneof(fc.constant('polder.example.com'), fc.stringMatching(/^[a-z0-9.@:-]{1,30}$/))
    const built = fc.tuple(scheme, host, end).map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(built, fc.string()), (origin) => {
        fc.pre(origin !== ours.origin)
        expect(() => rule(post({ origin }))).toThrow(crossSite)
      }),
      { numRuns: 200 },
    )
  })
})

test('on this machine every loopback name of the same port is ours, and no other port', () => {
  const local = createSameSiteRule('http://localhost:8000')
  for (const host of ['localhost', '127.0.0.1', '[::1]']) local(post({ origin: `http://${host}:8000` }))
  for (const origin of [
    'http://localhost:5173',
    'http://localhost',
    'https://localhost:8000',
    'http://foo.localhost:8000',
    'http://127.0.0.2:8000',
  ]) {
    expect(() => local(post({ origin }))).toThrow(crossSite)
  }
  createSameSiteRule('http://localhost:8000', ['http://localhost:5173'])(post({ origin: 'http://127.0.0.1:5173' }))
})

describe('a batch', () => {
  test('has at most ten calls, also by GET', () => {
    const names = (count: number) => Array.from({ length: count }, () => 'organizations.list').join(',')
    rule(post({}, names(10)))
    for (const count of [11, 2000]) {
      expect(() => rule(post({}, names(count)))).toThrow(invalid)
      expect(() => rule({ method: 'GET', headers: {}, path: names(count) })).toThrow(invalid)
    }
  })

  test.each([
    'account.signUp',
    'account.signIn',
    'account.changePassword',
    'organizations.acceptInvitation',
    'organizations.findInvitation',
  ])('never has %s, which is not streamed either', (path) => {
    rule(post({}, path))
    expect(() => rule(post({}, `${path},${path}`))).toThrow(invalid)
    expect(() => rule(post({}, `organizations.list,${path}`))).toThrow(invalid)
    expect(() => rule(post({ 'trpc-accept': 'application/jsonl' }, path))).toThrow(invalid)
  })
})
