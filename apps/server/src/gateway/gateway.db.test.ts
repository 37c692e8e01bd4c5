import type { FastifyInstance } from 'fastify'
import { createClient } from '@supabase/supabase-js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpServer } from '../http-server.ts'
import type { Services } from '../services.ts'
import { sendRaw } from '../testing/raw-request.ts'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let services: Services
let app: FastifyInstance
let port: number
let base: string
let ref: string
let anonKey: string
let owner: TestAccount
let other: { ref: string; anonKey: string }

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start({ environment: { POLDER_BASE_DOMAIN: 'polder.test', POLDER_REQUESTS_PER_PROJECT: '20' } })
  owner = await server.createAccount('owner')
  const [first, second] = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const { project } = await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name })
      await untilEnded(server, project.ref)
      return { ref: project.ref as string, anonKey: (await services.projects.getConnection(project.ref)).anonKey }
    }),
  )
  ;({ ref, anonKey } = first!)
  other = second!
  app = await createHttpServer({
    services,
    trustedProxies: null,
    timeouts: { requestTimeout: 1500, headersTimeout: 1000, connectionsCheckingInterval: 100 },
  })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  port = Number(new URL(base).port)
})
afterAll(async () => {
  await app?.close()
  await server[Symbol.asyncDispose]()
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => fetch(base + path, { headers, method })
const noneUnexpected = () => server.observed.filter((one) => one.kind === 'error' && one.code === 'system.unexpected')

describe('an app at the door', () => {
  test('gets in with its key by header or query, and not without', async () => {
    expect((await get(`/projects/${ref}/auth/v1/settings`, { apikey: anonKey })).status).toBe(200)
    expect((await get(`/projects/${ref}/auth/v1/settings?apikey=${anonKey}`)).status).toBe(200)
    expect((await get(`/projects/${ref}/auth/v1/settings`)).status).toBe(401)
    expect((await get(`/projects/${ref}/auth/v1/settings?apikey=${anonKey}&apikey=${anonKey}`)).status).toBe(401)
    expect((await get(`/projects/${ref}/auth/v1/settings`, { apikey: other.anonKey })).status).toBe(401)
  })

  test('needs no key for the data API where its settings say so, and the audience that they ask for, however its address is spelled', async () => {
    const updateSettings = (changes: object) => services.projectSettings.update(owner.actor, ref, 'rest', changes)
    const paths = ['rest/v1/', 'auth/v1/settings'].flatMap((path) =>
      [ref, `%${ref.charCodeAt(0).toString(16)}${ref.slice(1)}`].map((spelled) => `/projects/${spelled}/${path}`),
    )
    const ask = (headers: Record<string, string> = {}) => Promise.all(paths.map(async (path) => (await get(path, headers)).status))
    expect(await ask()).toEqual([401, 401, 401, 401])
    await updateSettings({ anonymousRole: 'anon', jwtAudience: 'elsewhere' })
    await expect.poll(() => ask(), { timeout: 1000 }).toEqual([200, 200, 401, 401])
    const { tokens } = await services.router.getConnection(
      await services.router.validateProjectAccess(ref, { kind: 'app', apiKey: anonKey, authorization: undefined }),
    )
    const authorization = `Bearer ${tokens.sign({ role: 'authenticated', aud: 'authenticated', exp: 4e9 })}`
    expect(await ask({ authorization })).toEqual([401, 401, 200, 200])
    await updateSettings({ anonymousRole: null, jwtAudience: null })
    await expect.poll(() => ask(), { timeout: 1000 }).toEqual([401, 401, 401, 401])
  })

  test('works with supabase-js as it is', async () => {
    const supabase = createClient(`${base}/projects/${ref}`, anonKey, { auth: { persistSession: false } })
    const { data, error } = await supabase.auth.signUp({ email: 'first@app.test', password: 'correct horse' })
    expect(error).toBeNull()
    expect(data.session?.access_token).toBeTruthy()
    const missing = await supabase.from('nothing').select()
    expect(missing.error?.code).toBe('PGRST205')
  })

  test('reaches its project by the host <ref>.<base domain> too', async () => {
    const raw = await sendRaw(
      port,
      `GET /auth/v1/settings HTTP/1.1\r\nHost: ${ref}.polder.test:80\r\napikey: ${anonKey}\r\nConnection: close\r\n\r\n`,
    )
    expect(raw.status).toBe(200)
    const elsewhere = await sendRaw(port, `GET /health HTTP/1.1\r\nHost: ${ref}.polder.test\r\nConnection: close\r\n\r\n`)
    expect(elsewhere.status).toBe(404)
    const deep = await sendRaw(
      port,
      `GET /auth/v1/settings HTTP/1.1\r\nHost: a.${ref}.polder.test\r\napikey: ${anonKey}\r\nConnection: close\r\n\r\n`,
    )
    expect(deep.status).toBe(404)
  })

  test('may be a page of any site: a preflight allows what it asks for, and refusals can be read', async () => {
    const preflight = await get(
      `/projects/${ref}/rest/v1/x`,
      {
        origin: 'https://app.example',
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'x-new-feature, apikey',
      },
      'OPTIONS',
    )
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-new-feature, apikey')
    expect(preflight.headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(preflight.headers.get('access-control-max-age')).toBe('86400')
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    for (const path of [`/projects/${ref}/rest/v1/x`, `/projects/${'z'.repeat(20)}/auth/v1/user`, `/projects/${ref}/nothing/v1/x`]) {
      const refused = await get(path, { origin: 'https://app.example' })
      expect(refused.status, path).toBeGreaterThanOrEqual(400)
      expect(refused.headers.get('access-control-allow-origin'), path).toBe('*')
      expect(refused.headers.get('access-control-expose-headers'), path).toContain('Content-Range')
    }
  })

  test('always gets a request id of ours, never its own', async () => {
    const answer = await get(`/projects/${ref}/auth/v1/settings`, { apikey: anonKey, 'x-request-id': 'mine' })
    expect(answer.headers.get('sb-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.headers.get('x-request-id')).toBe(answer.headers.get('sb-request-id'))
  })

  test('keeps its Authorization also when Connection names it', async () => {
    const raw = await sendRaw(
      port,
      `GET /projects/${ref}/auth/v1/user HTTP/1.1\r\nHost: x\r\napikey: ${anonKey}\r\nAuthorization: Bearer broken\r\nConnection: close, authorization\r\n\r\n`,
    )
    expect(raw.text).toContain('bad_jwt')
  })

  test('is told when it asks too much at once, and the next project is not', async () => {
    await server.cluster.platform.selectFrom('projects').select('ref').execute()
    const many = await Promise.all(
      Array.from({ length: 80 }, () => get(`/projects/${ref}/auth/v1/token?grant_type=password`, { apikey: anonKey }, 'POST')),
    )
    expect(many.every(({ status }) => status === 400 || status === 429)).toBe(true)
    expect((await get(`/projects/${other.ref}/auth/v1/settings`, { apikey: other.anonKey })).status).toBe(200)
    expect((await get(`/projects/${ref}/auth/v1/settings`, { apikey: anonKey })).status).toBe(200)
  })
})

describe('a project that is not there', () => {
  const HOSTILE = [
    'x', 'ALPHA', '..', '.', '%2e%2e', '%2f', '..%2f..%2f', '%00', 'a%00b', '__proto__', 'constructor', '%5c', '%0d%0aset-cookie:x', "'--", '%24%24',
    '%E2%80%AE', '%F0%9F%92%A5', 'a'.repeat(41), 'a'.repeat(4000), '-a', 'a-', '%20', 'select', 'owner', '%', '%zz', '%C0%AF', 'null',
  ] // prettier-ignore

  test.each(HOSTILE)('%s: a coded refusal, and nothing of ours breaks', async (name) => {
    for (const service of ['rest/v1/t', 'auth/v1/user', 'storage/v1/x']) {
      const raw = await sendRaw(
        port,
        `GET /projects/${name}/${service} HTTP/1.1\r\nHost: x\r\napikey: ${anonKey}\r\nConnection: close\r\n\r\n`,
      )
      expect([400, 404, 414], `${name}/${service} ${raw.text.slice(0, 300)}`).toContain(raw.status)
      expect(raw.text).not.toMatch(/\n\s+at |set-cookie/i)
    }
    expect(noneUnexpected()).toEqual([])
  })

  test('answers as each service would', async () => {
    const missing = 'z'.repeat(20)
    expect(await (await get(`/projects/${missing}/auth/v1/user`, { apikey: anonKey })).json()).toMatchObject({ msg: expect.any(String) })
    expect(await (await get(`/projects/${missing}/rest/v1/t`, { apikey: anonKey })).json()).toMatchObject({
      code: expect.any(String),
      message: expect.any(String),
    })
    expect(await (await get(`/projects/${ref}/storage/v1/x`, { apikey: anonKey })).json()).toMatchObject({
      error: { code: 'request.not_found' },
    })
  })

  test('percent-encoded letters are the letters: one project has one door', async () => {
    const encoded = ref.replace(/^./, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
    expect((await get(`/projects/${encoded}/auth/v1/settings`, { apikey: anonKey })).status).toBe(200)
    expect((await get(`/projects/${encoded}/auth/v1/settings`, { apikey: other.anonKey })).status).toBe(401)
  })

  test('whatever stands in the address, the answer is no 5xx', async () => {
    const segment = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => encodeURIComponent(text.toWellFormed()))
    await fc.assert(
      fc.asyncProperty(segment, segment, async (first, second) => {
        const bytes = `GET /projects/${first}/${second}/v1/${first} HTTP/1.1\r\nHost: x\r\napikey: ${anonKey}\r\nConnection: close\r\n\r\n`
        const { status } = await sendRaw(port, bytes)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
      }),
      { numRuns: 150 },
    )
    expect(noneUnexpected()).toEqual([])
  })
})
