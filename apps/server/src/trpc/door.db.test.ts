import { connect } from 'node:net'
import fc from 'fast-check'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trpcDoor } from './door.ts'
import { openTestStage, PASSWORD, stageRouter, type Person, type TestStage } from './testing/test-stage.ts'

let stage: TestStage
let app: FastifyInstance
let url: string
let port: number
let owner: Person

beforeAll(async () => {
  stage = await openTestStage()
  app = fastify({ genReqId: () => 'request-2', routerOptions: { maxParamLength: 100_000 }, bodyLimit: 1 << 20 })
  await app.register(trpcDoor, { prefix: '/trpc', services: stage.services, router: stageRouter, publicUrl: 'http://localhost:8000' })
  await app.listen({ port: 0, host: '127.0.0.1' })
  port = (app.server.address() as { port: number }).port
  url = `http://127.0.0.1:${port}/trpc`
  owner = await stage.signUp('owner')
})
afterAll(async () => {
  await app.close()
  await stage[Symbol.asyncDispose]()
})

const ORIGIN = 'http://localhost:8000'
const COOKIE = '__Host-polder_session'

/** A POST as the dashboard in a browser sends it; `headers` replaces, and undefined leaves out. */
function post(path: string, body: unknown, headers: Record<string, string | undefined> = {}): Promise<Response> {
  const all = { 'content-type': 'application/json', origin: ORIGIN, 'sec-fetch-site': 'same-origin', ...headers }
  const given = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
  const text = typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array ? body : JSON.stringify(body)
  return fetch(`${url}/${path}`, { method: 'POST', headers: given, body: text as RequestInit['body'] })
}

const as = (sessionId: string) => ({ cookie: `${COOKIE}=${sessionId}` })

const toSessionId = (response: Response) => new RegExp(`^${COOKIE}=([^;]*)`).exec(response.headers.getSetCookie()[0] ?? '')?.[1]

describe('a browser', () => {
  test('signs up, is known by its cookie, changes its password, and signs out', async () => {
    const signedUp = await post('account.signUp', { email: 'browser@example.com', password: PASSWORD })
    expect(signedUp.status).toBe(200)
    expect(signedUp.headers.getSetCookie()).toHaveLength(1)
    expect(signedUp.headers.getSetCookie()[0]).toMatch(
      /^__Host-polder_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000$/,
    )
    const first = String(toSessionId(signedUp))
    expect(await signedUp.text()).not.toContain(first)

    const known = await fetch(`${url}/account.get`, { headers: as(first) })
    expect(await known.json()).toMatchObject({ result: { data: { email: 'browser@example.com' } } })

    const changed = await post('account.changePassword', { currentPassword: PASSWORD, newPassword: 'another pony battery' }, as(first))
    const second = String(toSessionId(changed))
    expect((await fetch(`${url}/account.get`, { headers: as(first) })).status).toBe(401)
    expect((await fetch(`${url}/account.get`, { headers: as(second) })).status).toBe(200)

    const signedOut = await post('account.signOut', {}, as(second))
    expect(signedOut.headers.getSetCookie()[0]).toMatch(/^__Host-polder_session=; .*Max-Age=0$/)
    expect((await fetch(`${url}/account.get`, { headers: as(second) })).status).toBe(401)
  })

  test('that was handed a session id by somebody else gets another one', async () => {
    const planted = 'A'.repeat(43)
    const signedIn = await post('account.signIn', { email: owner.email, password: PASSWORD }, as(planted))
    expect(toSessionId(signedIn)).toMatch(/^[\w-]{43}$/)
    expect(toSessionId(signedIn)).not.toBe(planted)
    expect((await fetch(`${url}/account.get`, { headers: as(planted) })).status).toBe(401)
  })

  test('never gets a cookie with a refusal', async () => {
    const refused = await post('account.signIn', { email: owner.email, password: 'a wrong password' })
    expect(refused.status).toBe(401)
    expect(refused.headers.getSetCookie()).toEqual([])
  })
})

describe('a program', () => {
  test('comes with an access token, and not from a page', async () => {
    const { token } = await owner.call.account.createToken({ name: 'script', access: 'write' })
    const script = { authorization: `Bearer ${token}`, origin: undefined, 'sec-fetch-site': undefined }
    expect((await post('organizations.create', { name: 'By script' }, script)).status).toBe(200)
    const fromPage = await post('organizations.create', { name: 'By page' }, { ...script, origin: ORIGIN })
    expect(await fromPage.json()).toMatchObject({ error: { data: { serviceCode: 'access.token_invalid', httpStatus: 401 } } })
  })

  test('with a bad token can still ask what everybody may', async () => {
    const headers = { authorization: 'Bearer plr_bad' }
    expect((await fetch(`${url}/installation.get`, { headers })).status).toBe(200)
    expect(await (await fetch(`${url}/account.get`, { headers })).json()).toMatchObject({
      error: { data: { serviceCode: 'access.token_invalid' } },
    })
  })
})

describe('another site', () => {
  const count = async () => (await owner.call.organizations.list()).length
  const multipart = () => {
    const form = new FormData()
    form.set('name', 'Forged')
    return form
  }

  test.each([
    ['a form of text', () => '{"name":"Forged"}', { 'content-type': 'text/plain' }],
    ['a form of fields', () => 'name=Forged', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a form of parts', multipart, { 'content-type': undefined }],
    ['bytes', () => new TextEncoder().encode('{"name":"Forged"}'), { 'content-type': 'application/octet-stream' }],
    ['nothing it names', () => new TextEncoder().encode('{"name":"Forged"}'), { 'content-type': undefined }],
    ['JSON of its own', () => ({ name: 'Forged' }), { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a sandboxed frame', () => ({ name: 'Forged' }), { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a neighbour on this machine', () => ({ name: 'Forged' }), { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['no origin', () => ({ name: 'Forged' }), { origin: undefined, 'sec-fetch-site': undefined }],
  ])('changes nothing by %s with the cookie of somebody', async (_by, body, headers) => {
    const before = await count()
    for (const path of ['organizations.create', 'account.signOut', 'organizations.create?batch=1']) {
      const response = await post(path, body(), { ...as(owner.sessionId), ...headers })
      expect([400, 403, 415]).toContain(response.status)
      const [answer] = [await response.json()].flat()
      expect(answer).toMatchObject({
        error: { data: { requestId: 'request-2', serviceCode: expect.stringMatching(/^request\.(?:invalid|cross_site)$/) } },
      })
    }
    expect(await count()).toBe(before)
    expect((await fetch(`${url}/account.get`, { headers: as(owner.sessionId) })).status).toBe(200)
  })

  test('cannot change anything by a GET', async () => {
    const before = await count()
    const input = encodeURIComponent(JSON.stringify({ name: 'Forged' }))
    expect((await fetch(`${url}/organizations.create?input=${input}`, { headers: as(owner.sessionId) })).status).toBe(400)
    expect(await count()).toBe(before)
  })
})

describe('a batch', () => {
  test('of ten is answered, of more is not begun', async () => {
    const path = (calls: number) => `${Array.from({ length: calls }, () => 'organizations.create').join(',')}?batch=1`
    const inputs = (calls: number) => Object.fromEntries(Array.from({ length: calls }, (_, index) => [index, { name: `Batch ${calls}` }]))
    const count = async (name: string) =>
      (await owner.call.organizations.list()).filter((organization) => organization.name === name).length
    expect((await post(path(10), inputs(10), as(owner.sessionId))).status).toBe(200)
    expect(await count('Batch 10')).toBe(10)
    for (const calls of [11, 500]) {
      expect((await post(path(calls), inputs(calls), as(owner.sessionId))).status).toBe(400)
      expect((await post(path(calls).replaceAll(',', '%2C'), inputs(calls), as(owner.sessionId))).status).toBe(400)
      expect(await count(`Batch ${calls}`)).toBe(0)
    }
  })

  test('of 2000 is not begun, however it is refused', async () => {
    const request = `POST /trpc/${'organizations.create,'.repeat(1999)}organizations.create?batch=1 HTTP/1.1`
    const headers = `Host: x\r\nContent-Type: application/json\r\nOrigin: ${ORIGIN}\r\nCookie: ${COOKIE}=${owner.sessionId}\r\nContent-Length: 2\r\nConnection: close`
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(`${request}\r\n${headers}\r\n\r\n{}`))
      let text = ''
      socket
        .on('data', (chunk) => (text += chunk))
        .on('error', () => resolve(text))
        .on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/)
  })

  test('never guesses passwords or tokens, by no spelling', async () => {
    for (const path of [
      'account.signIn,account.signIn',
      'account.signIn%2Caccount.signIn',
      'account%2EsignIn,account.get',
      'installation.get,account.signUp',
    ]) {
      const response = await post(`${path}?batch=1`, {
        0: { email: owner.email, password: 'x' },
        1: { email: owner.email, password: PASSWORD },
      })
      expect(response.status).toBe(400)
      expect(response.headers.getSetCookie()).toEqual([])
    }
    const streamed = await post(
      'account.signIn?batch=1',
      { 0: { email: owner.email, password: PASSWORD } },
      { 'trpc-accept': 'application/jsonl' },
    )
    expect(streamed.status).toBe(400)
  })
})

describe('what is sent', () => {
  test('never holds a hash, a token or a session id', async () => {
    const { platform } = stage.cluster
    const rows = await Promise.all([
      platform.selectFrom('accounts').select('password_hash as secret').execute(),
      platform.selectFrom('sessions').select('id as secret').execute(),
      platform.selectFrom('access_tokens').select('token_hash as secret').execute(),
      platform.selectFrom('invitations').select('token_hash as secret').execute(),
    ])
    const hashes = rows
      .flat()
      .flatMap(({ secret }) =>
        Buffer.isBuffer(secret) ? ['hex', 'base64', 'base64url'].map((code) => secret.toString(code as 'hex')) : [secret],
      )
    const [home] = await owner.call.organizations.list()
    const input = `?input=${encodeURIComponent(JSON.stringify({ organizationId: home?.id }))}`
    const paths = [
      'account.get',
      'account.listSessions',
      'account.listTokens',
      'organizations.list',
      'installation.get',
      'installation.listClusters',
    ]
    const own = ['get', 'listMembers', 'listInvitations', 'listAuditEntries'].map((name) => `organizations.${name}${input}`)
    for (const path of [...paths, ...own]) {
      const response = await fetch(`${url}/${path}`, { headers: as(owner.sessionId) })
      expect([path, response.status]).toEqual([path, 200])
      const text = await response.text()
      for (const secret of [...hashes, owner.sessionId, 'argon2']) expect(text).not.toContain(secret)
    }
  })

  test('of an error is its code, its sentence and the request id; never what lies behind it', async () => {
    const invalid = await post('account.signUp', { email: 'x', password: 'canary-password', extra: 1 })
    const text = await invalid.text()
    expect(invalid.status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({
      error: {
        data: {
          code: 'BAD_REQUEST',
          serviceCode: 'request.invalid',
          requestId: 'request-2',
          details: expect.arrayContaining([{ path: 'email', message: expect.any(String) }]),
        },
      },
    })
    expect(text).not.toContain('canary-password')
    expect(text).not.toContain('stack')
    const unknown = await post('account.nothing', {})
    expect(await unknown.json()).toMatchObject({
      error: { message: 'There is nothing at this address.', data: { serviceCode: 'request.not_found' } },
    })

    await using broken = await openTestStage()
    await broken.cluster.platform.schema.alterTable('organizations').renameTo('elsewhere').execute()
    const error = await broken
      .visit(owner.account)
      .call.organizations.list()
      .catch((cause) => cause)
    expect(error).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'Something went wrong on our side; the request id finds it in the log.',
    })
    expect(broken.observed).toMatchObject([{ kind: 'error', requestId: 'request-1', code: 'system.unexpected', cause: { code: '42P01' } }])
  })

  test('property: whatever is posted is answered by a coded refusal, never by a failure of ours', async () => {
    const paths = fc.constantFrom(
      'account.signIn',
      'account.createToken',
      'account.revokeSession',
      'organizations.invite',
      'organizations.get',
      'organizations.updateMember',
      'organizations.listAuditEntries',
    )
    const hostile = fc.oneof(
      fc.json({ maxDepth: 3 }),
      fc.string(),
      fc.constantFrom(
        '{"__proto__":{"organizationId":"x"}}',
        '{"organizationId":{"$ne":null}}',
        '[]',
        'null',
        '',
        '{"organizationId":"\\u0000"}',
        '{"email":["a"],"password":{}}',
        '{"email":"\\ud800@x","password":"\\u0000"}',
      ),
    )
    await fc.assert(
      fc.asyncProperty(paths, hostile, fc.boolean(), async (path, body, isBatch) => {
        const response = await post(`${path}${isBatch ? '?batch=1' : ''}`, body, as(owner.sessionId))
        expect(response.status).toBeGreaterThanOrEqual(400)
        expect(response.status).toBeLessThan(500)
        const [answer] = [await response.json()].flat()
        expect(answer).toMatchObject({ error: { data: { serviceCode: expect.stringMatching(/^[a-z]+\.[a-z_]+$/) } } })
      }),
      { numRuns: 200 },
    )
    expect(stage.observed).toEqual([])
  })
})
