import { createRestAdapter } from '@polder/adapters/rest'
import { isProjectRef, ServiceError } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restRoutes } from './routes.ts'

let cluster: TestCluster
let project: TestProject
let app: FastifyInstance

const SCHEMA = `
create table items (id int primary key, name text unique, price numeric(8,2));
create table secrets (id int primary key);
revoke all on secrets from anon, authenticated;
create table mine (id int generated always as identity primary key, owner uuid default auth.uid());
alter table mine enable row level security;
create policy mine on mine to authenticated using (owner = auth.uid());
create function teapot() returns void language plpgsql as $$ begin
  raise sqlstate 'PGRST' using message = '{"code":"123","message":"no coffee","hint":"tea"}', detail = '{"status":418,"status_text":"Teapot","headers":{"X-Tea":"yes"}}'; end $$;
create function cookies() returns text language plpgsql as $$ begin
  perform set_config('response.headers', '[{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"},{"X-Seen":"1"}]', true);
  perform set_config('response.status', '202', true);
  return current_setting('request.headers')::json->>'x-client-info'; end $$;
create function bad_headers() returns void language plpgsql as $$ begin perform set_config('response.headers', '{"a": "b"}', true); end $$;
create function paid() returns void language plpgsql as $$ begin raise sqlstate 'PT402' using message = 'Pay first'; end $$;
insert into items values (1, 'one', 1.50), (2, 'two', 2);
`

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  await project.runAsOwner(SCHEMA)
  app = Fastify()
  app.decorateRequest('project', null as never)
  app.addHook('onRequest', async (request: FastifyRequest) => {
    const { ref } = request.params as { ref?: string }
    if (!isProjectRef(ref)) throw new ServiceError('project.not_found')
    const { apikey, authorization } = request.headers
    const access = await cluster.router.validateProjectAccess(ref, { kind: 'app', apiKey: apikey as string | undefined, authorization })
    request.project = await cluster.router.getConnection(access)
  })
  await app.register(restRoutes, { prefix: '/projects/:ref/rest/v1', rest: createRestAdapter() })
})
afterAll(async () => {
  await app.close()
  await cluster[Symbol.asyncDispose]()
})

type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'PUT'

function send(
  method: Method,
  url: string,
  { key = project.keys.serviceRoleKey, headers = {}, body }: { key?: string; headers?: object; body?: unknown } = {},
) {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return app.inject({ method, url: `/projects/${project.ref}/rest/v1${url}`, headers: { apikey: key, ...type, ...headers }, payload })
}

describe('the data API over HTTP', () => {
  it('sends the bytes that Postgres wrote', async () => {
    const reply = await send('GET', '/items?order=id')
    expect(reply.statusCode).toBe(200)
    expect(reply.body).toBe('[{"id":1,"name":"one","price":1.50}, \n {"id":2,"name":"two","price":2.00}]')
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'content-range': '0-1/*',
      'content-location': '/items?order=id',
    })
    const head = await send('HEAD', '/items', { headers: { prefer: 'count=exact' } })
    expect([head.statusCode, head.body, head.headers['content-range'], head.headers['preference-applied']]).toEqual([
      200,
      '',
      '0-1/2',
      'count=exact',
    ])
  })

  it('writes, and says no more than asked', async () => {
    const minimal = await send('POST', '/items', { body: { id: 3, name: 'three' } })
    expect([minimal.statusCode, minimal.body, minimal.headers['content-length'], minimal.headers['content-type']]).toEqual([
      201,
      '',
      '0',
      undefined,
    ])
    const removed = await send('DELETE', '/items?id=eq.3')
    expect([removed.statusCode, removed.body, removed.headers['content-type'], removed.headers['content-length']]).toEqual([
      204,
      '',
      undefined,
      undefined,
    ])
    const allowed = await send('OPTIONS', '/items')
    expect(allowed.headers.allow).toBe('OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE')
  })

  it('tells errors as PostgREST does', async () => {
    const taken = await send('POST', '/items', { body: { id: 1, name: 'again' } })
    expect([taken.statusCode, taken.json()]).toEqual([
      409,
      {
        code: '23505',
        message: 'duplicate key value violates unique constraint "items_pkey"',
        details: 'Key (id)=(1) already exists.',
        hint: null,
      },
    ])
    const missing = await send('GET', '/item')
    expect([missing.statusCode, missing.headers['proxy-status'], missing.json()]).toEqual([
      404,
      'PostgREST; error=PGRST205',
      {
        code: 'PGRST205',
        message: "Could not find the table 'public.item' in the schema cache",
        details: null,
        hint: "Perhaps you meant the table 'public.items'",
      },
    ])
    const parsed = await send('GET', '/items?id=foo.1')
    expect([parsed.statusCode, parsed.json()]).toEqual([
      400,
      {
        code: 'PGRST100',
        message: '"failed to parse filter (foo.1)" (line 1, column 1)',
        details: 'unexpected "f" expecting "not" or operator (eq, gt, ...)',
        hint: null,
      },
    ])
    expect((await send('POST', '/items', { body: '{"id":', headers: {} })).json()).toMatchObject({ code: 'PGRST102' })
    expect((await send('GET', '/a/b/c')).json()).toMatchObject({ code: 'PGRST125' })
    expect((await send('GET', '/items', { headers: { 'accept-profile': 'auth' } })).json()).toMatchObject({ code: 'PGRST106' })
    expect((await send('GET', '/items', { headers: { accept: 'image/png' } })).statusCode).toBe(406)
    expect((await send('GET', '/items?id=eq.x')).json()).toMatchObject({ code: '22P02' })
  })

  it('answers 401 to who could sign in, 403 to who did', async () => {
    const anonymous = await send('GET', '/secrets', { key: project.keys.anonKey })
    expect([anonymous.statusCode, anonymous.headers['www-authenticate'], anonymous.json().code]).toEqual([401, 'Bearer', '42501'])
    const scope = await project.scope('authenticated', { sub: '00000000-0000-4000-8000-000000000001' })
    const token = scope.tokens.sign({
      role: 'authenticated',
      sub: '00000000-0000-4000-8000-000000000001',
      exp: Math.floor(Date.now() / 1000) + 60,
      iss: scope.tokens.issuer,
    })
    const signedIn = await send('GET', '/secrets', { key: project.keys.anonKey, headers: { authorization: `Bearer ${token}` } })
    expect([signedIn.statusCode, signedIn.json().code]).toEqual([403, '42501'])
    const own = await send('POST', '/mine', {
      key: project.keys.anonKey,
      body: {},
      headers: { authorization: `Bearer ${token}`, prefer: 'return=representation' },
    })
    expect([own.statusCode, own.json()[0].owner]).toEqual([201, '00000000-0000-4000-8000-000000000001'])
    const forged = await send('GET', '/items', { key: project.keys.anonKey, headers: { authorization: 'Bearer a.b.c' } })
    expect([forged.statusCode, forged.json().code]).toEqual([401, 'PGRST301'])
    expect(forged.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", error_description="/)
    const keyless = await send('GET', '/items', { key: 'nonsense' })
    expect([keyless.statusCode, Object.keys(keyless.json())]).toEqual([401, ['code', 'message', 'details', 'hint']])
  })

  it('lets functions shape the answer', async () => {
    const teapot = await send('POST', '/rpc/teapot')
    expect([teapot.statusCode, teapot.statusMessage, teapot.headers['x-tea'], teapot.json()]).toEqual([
      418,
      'Teapot',
      'yes',
      { code: '123', message: 'no coffee', details: null, hint: 'tea' },
    ])
    const cookies = await send('POST', '/rpc/cookies', { headers: { 'x-client-info': 'test' } })
    expect([cookies.statusCode, cookies.headers['set-cookie'], cookies.headers['x-seen'], cookies.body]).toEqual([
      202,
      ['a=1', 'b=2'],
      '1',
      '"test"',
    ])
    const bad = await send('POST', '/rpc/bad_headers')
    expect([bad.statusCode, bad.json().code]).toEqual([500, 'PGRST111'])
    const paid = await send('POST', '/rpc/paid')
    expect([paid.statusCode, paid.statusMessage, paid.json().message]).toEqual([402, 'Pay first', 'Pay first'])
  })

  it.each([
    ['/items?select=%', {}],
    ['/items?%=%', {}],
    ['/items?id=in.(', {}],
    ['/items?or=(((((', {}],
    ['/%00', {}],
    ['/items?x=%ff', {}],
    ['/rpc/%27', {}],
    ['/items?limit=-1', {}],
    ['/items?limit=99999999999999999999999', {}],
    ['/items?offset=99999999999999', {}],
    ['/__proto__', {}],
    ['/constructor?toString=eq.1', {}],
    ['/items', { range: 'items=0-1' }],
    ['/items', { range: '99999999999999999999-' }],
    ['/items', { prefer: 'count=exact,count=planned;x' }],
    ['/items', { prefer: 'timezone=Europe/Nowhere' }],
    ['/items', { accept: ';;;' }],
    ['/items', { 'accept-profile': 'pg_catalog' }],
    [`/items?select=${'id,'.repeat(3000)}id`, {}],
    [`/items?${'id=eq.1&'.repeat(1500)}`, {}],
  ])('answers hostile %# without an error of ours', async (url, headers) => {
    const reply = await send('GET', url, { headers })
    expect(reply.statusCode).toBeLessThan(500)
    if (reply.statusCode >= 400) expect(Object.keys(reply.json())).toEqual(['code', 'message', 'details', 'hint'])
  })

  it.each([
    '',
    'null',
    '[',
    '"text"',
    '[1]',
    '[[{}]]',
    '{"id":{"a":1}}',
    '{"__proto__":1}',
    '{"id":1e999}',
    '\uFFFE',
    `[${'['.repeat(5000)}`,
    '{"na\\u0000me":"x"}',
    '{"name":"\\u0000"}',
  ])('answers the hostile body %j without an error of ours', async (body) => {
    const reply = await app.inject({
      method: 'POST',
      url: `/projects/${project.ref}/rest/v1/items`,
      headers: { apikey: project.keys.serviceRoleKey, 'content-type': 'application/json' },
      payload: body,
    })
    expect(reply.statusCode).toBeLessThan(500)
    const after = await send('GET', '/items?select=id&order=id')
    expect(after.json()).toEqual([{ id: 1 }, { id: 2 }])
  })
})
