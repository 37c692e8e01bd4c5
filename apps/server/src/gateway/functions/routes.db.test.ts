import { createClient } from '@supabase/supabase-js'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProjectScope } from '@polder/db'
import { createHttpServer } from '../../http-server.ts'
import type { Services } from '../../services.ts'
import { openTestServer, untilEnded, type TestServer } from '../../testing/test-server.ts'

// Each test of behaviours.md, § Functions and gateway, names its line.

let server: TestServer
let services: Services
let app: FastifyInstance
let base: string
let project: ProjectScope
let keys: { anonKey: string; serviceRoleKey: string }
let foreignKey: string

const FUNCTIONS: Record<string, { code: string; verifyJwt?: boolean }> = {
  mirror: {
    code: `Deno.serve(async (request) => Response.json({ url: request.url, method: request.method, headers: [...request.headers.entries()],
      body: request.headers.get('response-type') === 'form' ? [...(await request.formData()).entries()] : await request.text() }))`,
  },
  open: { verifyJwt: false, code: `Deno.serve((request) => new Response('open ' + (request.headers.get('authorization') ?? '')))` },
  fails: { code: `Deno.serve(() => new Response('teapot', { status: 418, headers: { 'x-mine': '1' } }))` },
  slow: { code: `Deno.serve(async () => { await new Promise((r) => setTimeout(r, 700)); return new Response('Slow Response') })` },
  upgrade: { code: `Deno.serve((request) => Deno.upgradeWebSocket(request).response)` },
  types: {
    code: `Deno.serve((request) => { const type = new URL(request.url).searchParams.get('type'); return new Response('{"a":1}', { headers: { 'Content-Type': type } }) })`,
  },
  events: {
    code: `Deno.serve(() => new Response(new ReadableStream({ async start(c) { c.enqueue(new TextEncoder().encode('data: 1\\n\\n')); await new Promise((r) => setTimeout(r, 400)); c.close() } }), { headers: { 'content-type': 'text/event-stream' } }))`,
  },
  cors: {
    verifyJwt: false,
    code: `import { serve } from 'https://deno.land/std@0.168.0/http/server.ts'; import { corsHeaders } from '@supabase/supabase-js/cors'
      serve((request) => new Response(request.method === 'OPTIONS' ? null : '{"error":"x"}', { status: request.method === 'OPTIONS' ? 204 : 404, headers: corsHeaders }))`,
  },
  users: {
    code: `import { createClient } from 'npm:@supabase/supabase-js@2'
      Deno.serve(async () => { const client = createClient(Deno.env.get('SUPABASE_URL'), Deno.env.get('SUPABASE_SERVICE_ROLE_KEY'))
        const { data, error } = await client.auth.admin.listUsers(); return Response.json({ count: data?.users?.length, error: error?.message }) })`,
  },
  inside: {
    code: `Deno.serve(async (request) => { const url = await request.text(); const answer = await fetch(url).then((r) => 'reached ' + r.status, (e) => 'refused ' + e.message); return new Response(answer) })`,
  },
}

beforeAll(async () => {
  server = await openTestServer()
  services = await server.start()
  const owner = await server.createAccount('owner')
  const { organizationId } = server.cluster
  const [made, other] = await Promise.all(
    ['one', 'two'].map(async (name) => {
      const { project: created } = await services.projects.create(owner.actor, { organizationId, name })
      await untilEnded(server, created.ref)
      return created
    }),
  )
  keys = await services.projects.getAppKeys(made!.ref)
  foreignKey = (await services.projects.getAppKeys(other!.ref)).anonKey
  const { accountId } = owner.account
  const access = await services.router.validateProjectAccess(made!.ref, { kind: 'member', accountId, permission: 'functions.write' })
  project = await services.router.getConnection(access)
  app = await createHttpServer({ services, trustedProxies: null })
  base = await app.listen({ port: 0, host: '127.0.0.1' })
  for (const [name, { code, verifyJwt = true }] of Object.entries(FUNCTIONS)) {
    const source = { files: [{ path: 'index.ts', content: code }], entrypoint: 'index.ts' }
    await services.adapters.functions.deployFunction(project, { name, source, verifyJwt, deployedBy: null })
  }
}, 90_000)
afterAll(async () => {
  await app?.close()
  await server?.[Symbol.asyncDispose]()
})

const ask = (path: string, options: RequestInit & { key?: string | null } = {}) => {
  const { key = keys.anonKey, headers, ...more } = options
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` }
  return fetch(`${base}/projects/${project.ref}/functions/v1/${path}`, { ...more, headers: { ...authorization, ...(headers as object) } })
}
const client = () => createClient(`${base}/projects/${project.ref}`, keys.anonKey, { auth: { persistSession: false } })

describe('refusals of the platform', () => {
  test('carry x-relay-error, and answers of functions do not (1)', async () => {
    for (const key of ['broken', foreignKey, `${keys.anonKey}x`, null]) {
      const refused = await ask('mirror', { key })
      expect([refused.status, refused.headers.get('x-relay-error')]).toEqual([401, 'true'])
      expect(await refused.json()).toMatchObject({ code: 401, message: key === null ? 'Missing authorization header' : 'Invalid JWT' })
    }
    const failed = await ask('fails')
    expect([failed.status, failed.headers.get('x-relay-error'), failed.headers.get('x-mine'), await failed.text()]).toEqual([418, null, '1', 'teapot']) // prettier-ignore
    const { error } = await client().functions.invoke('mirror', { headers: { Authorization: 'Bearer broken' } })
    expect(error?.name).toBe('FunctionsRelayError')
  })

  test('are JSON that a page can read, also for what is not there (12, 13)', async () => {
    const missing = await ask('nothing-here', { headers: { origin: 'https://app.example' } })
    expect([missing.status, missing.headers.get('access-control-allow-origin')]).toEqual([404, '*'])
    expect(await missing.json()).toEqual({ code: 'NOT_FOUND', message: 'Requested function was not found' })
    expect((await ask('mirror', { key: null })).headers.get('access-control-allow-origin')).toBe('*')
    const { error } = await client().functions.invoke('nothing-here')
    expect(error).not.toBeNull()
  })
})

describe('a call', () => {
  test('needs the project’s own token where the function asks for one, and hands it on (2)', async () => {
    const { headers } = (await (await ask('mirror')).json()) as { headers: [string, string][] }
    expect(headers).toContainEqual(['authorization', `Bearer ${keys.anonKey}`])
    expect((await ask('mirror', { key: null, headers: { apikey: keys.anonKey } })).status).toBe(200)
    expect(await (await ask('open', { key: null })).text()).toBe('open ')
    expect(await (await ask('open', { key: 'somebody-elses' })).text()).toBe('open Bearer somebody-elses')
  })

  test('reaches the function with its method, path, query and headers (3, 5, 15)', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await ask('mirror/deep/path?forceFunctionRegion=us-east-1&a=b', {
        method,
        headers: { CustomHeader: 'check me', 'x-region': 'us-east-1', traceparent: '00-a-b-01', baggage: 'k=v' },
      })
      const seen = (await answer.json()) as { url: string; method: string; headers: [string, string][] }
      expect([seen.url, seen.method]).toEqual([`http://localhost:8000/mirror/deep/path?forceFunctionRegion=us-east-1&a=b`, method])
      expect(seen.headers).toEqual(expect.arrayContaining([['customheader', 'check me'], ['traceparent', '00-a-b-01'], ['baggage', 'k=v']])) // prettier-ignore
      expect(seen.headers.map(([name]) => name)).not.toContain('tracestate')
    }
    const head = await ask('mirror', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('brings its body unaltered (4)', async () => {
    const body = async (sent: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
      ((await (await ask('mirror', { method: 'POST', body: sent, headers })).json()) as { body: unknown }).body
    expect(await body('text')).toBe('text')
    expect(await body('{"a": 1}', { 'content-type': 'application/json' })).toBe('{"a": 1}')
    expect(await body(new Blob(['blob']))).toBe('blob')
    expect(await body(new TextEncoder().encode('bytes'))).toBe('bytes')
    const form = new FormData()
    form.append('a', '1')
    expect(await body(form, { 'response-type': 'form' })).toEqual([['a', '1']])
    const { data } = await client().functions.invoke('mirror', { body: { one: 1 }, headers: { 'content-type': 'application/x-own' } })
    expect(data.body).toBe('{"one":1}')
  })

  test('is answered with the function’s own type, and as it comes (6)', async () => {
    const { data } = await client().functions.invoke('types?type=Application/JSON')
    expect(data).toEqual({ a: 1 })
    const started = performance.now()
    const answer = await ask('events')
    const first = await answer.body!.getReader().read()
    expect([answer.headers.get('content-type'), new TextDecoder().decode(first.value)]).toEqual(['text/event-stream', 'data: 1\n\n'])
    expect(performance.now() - started).toBeLessThan(390)
  })

  test('that is slow runs to its end, and one that is given up ends no other (7)', async () => {
    const { error } = await client().functions.invoke('slow', { signal: AbortSignal.timeout(100) })
    expect(error?.name).toBe('FunctionsFetchError')
    expect((await client().functions.invoke('slow')).data).toBe('Slow Response')
  })

  test('cannot be upgraded (8)', async () => {
    expect((await ask('upgrade', { headers: { 'sec-websocket-version': '13' } })).status).toBe(500)
  })

  test('of several at once to a function that is not running works (13)', async () => {
    services.adapters.functions.forget(project.ref)
    const answers = await Promise.all(Array.from({ length: 5 }, () => client().functions.invoke('mirror')))
    expect(answers.map(({ error }) => error)).toEqual([null, null, null, null, null])
  })

  test('has the request’s id in its answer and in its row', async () => {
    const answer = await ask('mirror', { method: 'POST' })
    const id = answer.headers.get('sb-request-id')
    await new Promise((resolve) => setTimeout(resolve, 300))
    const [row] = await services.adapters.functions.listInvocations(project, { name: 'mirror', onlyErrors: false, limit: 1 })
    expect([row?.requestId, row?.method, row?.status]).toEqual([id, 'POST', 200])
  })
})

describe('pages of other sites', () => {
  test('are allowed what they ask for (9, 11)', async () => {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-supabase-new-feature, authorization',
    }
    const preflight = await ask('cors', { method: 'OPTIONS', headers, key: null })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-supabase-new-feature, authorization')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])
      expect(preflight.headers.get('access-control-allow-methods')).toContain(method)
  })

  test('get the headers that the function sets, once, also with an error (10, 12)', async () => {
    const answer = await ask('cors', { key: null, headers: { origin: 'https://app.example' } })
    expect(answer.status).toBe(404)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-headers')).toBeTruthy()
    expect(answer.headers.get('access-control-allow-methods')).toBeTruthy()
    expect((await ask('open', { key: null })).headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('a function', () => {
  test('uses its own project by SUPABASE_URL, wherever the server listens (14)', async () => {
    const seen = (await (await ask('users')).json()) as { count: number; error?: string }
    expect(seen).toEqual({ count: 1 })
  })

  test('does not reach the server otherwise: not another project, not the dashboard’s API, not a port beside', async () => {
    const { port } = new URL(base)
    const targets = [
      `http://localhost:8000/projects/${'z'.repeat(20)}/rest/v1/`,
      `http://localhost:8000/projects/${project.ref}/../${'z'.repeat(20)}/rest/v1/`,
      'http://localhost:8000/trpc/installation.get',
      'http://localhost:8000/',
      `http://127.0.0.1:${port}/health`,
      `http://127.0.0.1:${server.cluster.address.port}/`,
    ]
    for (const url of targets) expect([url, await (await ask('inside', { method: 'POST', body: url })).text()]).toEqual([url, expect.stringContaining('refused')]) // prettier-ignore
    expect(await (await ask('inside', { method: 'POST', body: `http://localhost:8000/projects/${project.ref}/auth/v1/settings` })).text()).toBe('reached 401') // prettier-ignore
  })
})

test('a member tries a function as anybody', async () => {
  const run = (as: Parameters<typeof services.functionCalls.test>[2]['as'], name = 'mirror') =>
    services.functionCalls.test(project, keys, { name, method: 'POST', path: '/x?y=1', headers: { 'x-a': 'b' }, body: 'hi', as })
  const role = (text: string) => {
    const { headers } = JSON.parse(text) as { headers: [string, string][] }
    const token = headers.find(([name]) => name === 'authorization')![1].slice(7)
    return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { role: string; sub?: string }
  }
  const userId = '7f4c7b3e-5a7e-4a5c-9a63-0a3b8d4c2f11'
  expect(role((await run({ role: 'anon' })).body).role).toBe('anon')
  expect(role((await run({ role: 'service_role' })).body).role).toBe('service_role')
  expect(role((await run({ role: 'authenticated', userId })).body)).toMatchObject({ role: 'authenticated', sub: userId })
  expect((await run({ role: 'none' })).status).toBe(401)
  expect(await run({ role: 'none' }, 'open')).toMatchObject({ status: 200, body: 'open ', isText: true, isTruncated: false })
})
