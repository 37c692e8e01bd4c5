import fc from 'fast-check'
import type { HTTPMethods } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAuthLimits, GUESSES } from './auth-limits.ts'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
const password = 'correct horse'
let count = 0
const newEmail = () => `user-${(count += 1)}@example.com`

beforeAll(async () => void (gateway = await openTestGateway()))
beforeEach(() => void gateway.errors.splice(0))
afterAll(async () => gateway?.[Symbol.asyncDispose]())

interface Call {
  method?: HTTPMethods
  body?: unknown
  /** Sent as it is, instead of `body`. */
  bytes?: Buffer | string
  headers?: Record<string, string>
  key?: string
  token?: string
}

async function call(path: string, { method = 'POST', body, bytes, headers, key = gateway.alpha.keys.anonKey, token }: Call = {}) {
  const payload = bytes ?? (body === undefined ? undefined : JSON.stringify(body))
  const answer = await gateway.app.inject({
    method: method as 'POST',
    url: `/projects/${gateway.alpha.ref}/auth/v1${path}`,
    headers: {
      ...(key !== '' && { apikey: key }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(payload !== undefined && { 'content-type': 'application/json;charset=UTF-8' }),
      ...headers,
    },
    ...(payload !== undefined && { payload }),
  })
  const isJson = answer.headers['content-type']?.startsWith('application/json')
  return { status: answer.statusCode, headers: answer.headers, body: isJson ? answer.json() : answer.body }
}

const signUp = async (email = newEmail()) => ({ email, ...(await call('/signup', { body: { email, password } })).body })

describe('every route answers everybody with a status of its own', () => {
  const id = '44444444-4444-4444-8444-444444444444'
  const nothing = `/admin/users/${id}`
  // nobody, anon key, anon key as bearer, user's token, service key, key of another project, token of another project
  const ROUTES: [HTTPMethods, string, unknown, number[]][] = [
    ['GET', '/health', undefined, [401, 200, 200, 200, 200, 401, 403]],
    ['GET', '/settings', undefined, [401, 200, 200, 200, 200, 401, 403]],
    ['GET', '/.well-known/jwks.json', undefined, [200, 200, 200, 200, 200, 401, 403]],
    ['POST', '/signup', {}, [401, 422, 422, 422, 422, 401, 403]],
    ['POST', '/signup', { email: 'x', password }, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/token?grant_type=password', { email: 'x@example.com', password }, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/token?grant_type=refresh_token', { refresh_token: 'x' }, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/token?grant_type=pkce', { auth_code: 'x', code_verifier: 'y' }, [401, 404, 404, 404, 404, 401, 403]],
    ['POST', '/token?grant_type=web3', {}, [401, 422, 422, 422, 422, 401, 403]],
    ['POST', '/token', {}, [401, 400, 400, 400, 400, 401, 403]],
    ['GET', '/user', undefined, [401, 401, 401, 200, 401, 401, 403]],
    ['PUT', '/user', { data: {} }, [401, 401, 401, 200, 401, 401, 403]],
    ['PUT', '/user', { app_metadata: {} }, [401, 401, 401, 403, 401, 401, 403]],
    ['POST', '/logout?scope=others', undefined, [401, 401, 401, 204, 401, 401, 403]],
    ['POST', '/logout?scope=all', undefined, [401, 400, 400, 400, 400, 401, 403]],
    ['GET', '/admin/users', undefined, [401, 401, 403, 403, 200, 401, 403]],
    ['GET', '/admin/users?page=-1', undefined, [401, 401, 403, 403, 400, 401, 403]],
    ['POST', '/admin/users', { email: 'no address' }, [401, 401, 403, 403, 400, 401, 403]],
    ['GET', nothing, undefined, [401, 401, 403, 403, 404, 401, 403]],
    ['PUT', nothing, {}, [401, 401, 403, 403, 404, 401, 403]],
    ['DELETE', nothing, undefined, [401, 401, 403, 403, 404, 401, 403]],
    ['GET', '/admin/users/x', undefined, [401, 401, 403, 403, 404, 401, 403]],
    ['GET', `${nothing}/factors`, undefined, [401, 401, 403, 403, 404, 401, 403]],
    ['GET', '/admin/audit', undefined, [401, 401, 403, 403, 200, 401, 403]],
    ['POST', '/invite', {}, [401, 401, 403, 403, 400, 401, 403]],
    ['POST', '/admin/generate_link', {}, [401, 401, 403, 403, 400, 401, 403]],
    ['POST', '/recover', {}, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/recover', { email: 'x@example.com' }, [401, 200, 429, 429, 429, 401, 403]],
    ['POST', '/resend', {}, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/magiclink', {}, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/otp', {}, [401, 400, 400, 400, 400, 401, 403]],
    ['POST', '/otp', { email: 'x@example.com', create_user: false }, [401, 422, 429, 429, 429, 401, 403]],
    ['POST', '/verify', {}, [400, 400, 400, 400, 400, 401, 403]],
    ['POST', '/verify', { type: 'signup', token_hash: 'x' }, [403, 403, 403, 403, 403, 401, 403]],
    ['GET', '/verify', undefined, [400, 400, 400, 400, 400, 401, 403]],
    ['GET', '/verify?type=signup&token=x', undefined, [200, 200, 200, 200, 200, 401, 403]],
    ['POST', '/verify?type=signup&token=x', undefined, [303, 303, 303, 303, 303, 401, 403]],
    ['GET', '/authorize?provider=google', undefined, [401, 400, 400, 400, 400, 401, 403]],
    ['GET', '/reauthenticate', undefined, [401, 401, 401, 200, 401, 401, 403]],
    ['POST', '/factors', {}, [401, 401, 401, 422, 401, 401, 403]],
    ['POST', '/factors/x/challenge', {}, [401, 401, 401, 404, 401, 401, 403]],
    ['DELETE', '/user/identities/x', undefined, [401, 401, 401, 404, 401, 401, 403]],
    ['POST', '/sso', {}, [401, 404, 404, 404, 404, 401, 403]],
    ['GET', '/nowhere', undefined, [401, 404, 404, 404, 404, 401, 403]],
    ['PATCH', '/user', {}, [401, 404, 404, 404, 404, 401, 403]],
    ['DELETE', '/signup', undefined, [401, 404, 404, 404, 404, 401, 403]],
  ]

  test.each(ROUTES)('%s %s %j', async (method, path, body, expected) => {
    const { alpha, beta } = gateway
    const mine = await signUp()
    const theirs = await gateway.app.inject({
      method: 'POST',
      url: `/projects/${beta.ref}/auth/v1/signup`,
      headers: { apikey: beta.keys.anonKey },
      payload: Buffer.from(JSON.stringify({ email: newEmail(), password })),
    })
    const callers: Partial<Call>[] = [
      { key: '' },
      {},
      { token: alpha.keys.anonKey },
      { token: mine.access_token },
      { key: alpha.keys.serviceRoleKey, token: alpha.keys.serviceRoleKey },
      { key: beta.keys.serviceRoleKey, token: beta.keys.serviceRoleKey },
      { token: theirs.json().access_token },
    ]
    const answers = []
    for (const caller of callers) answers.push(await call(path, { method, body, ...caller }))
    expect(answers.map(({ status }) => status)).toEqual(expected)
    for (const { status, headers, body: error } of answers.filter((one) => one.status >= 400)) {
      expect(error).toMatchObject({ code: status, error_code: expect.any(String), msg: expect.any(String) })
      expect(headers['x-sb-error-code']).toBe(error.error_code)
    }
    expect(gateway.errors).toEqual([])
  })
})

describe('the wire format', () => {
  test('a user and a session have GoTrue’s members', async () => {
    const { body: session, headers } = await call('/signup', { body: { email: newEmail(), password, data: { a: 1 } } })
    expect(Object.keys(session)).toEqual(['access_token', 'token_type', 'expires_in', 'expires_at', 'refresh_token', 'user'])
    expect(headers['cache-control']).toBe('no-store')
    expect(Object.keys(session.user).toSorted()).toEqual(
      'id aud role email email_confirmed_at phone confirmed_at last_sign_in_at app_metadata user_metadata identities created_at updated_at is_anonymous'
        .split(' ')
        .toSorted(),
    )
    expect(Object.keys(session.user.identities[0]).toSorted()).toEqual(
      'identity_id id user_id identity_data provider last_sign_in_at created_at updated_at email'.split(' ').toSorted(),
    )
    expect(JSON.stringify(session)).not.toMatch(/argon2|encrypted_password|token_hash/)
  })

  test('errors by name for clients of 2024-01-01, by number for others', async () => {
    const weak = { email: newEmail(), password: '1' }
    const byNumber = await call('/signup', { body: weak })
    const message = 'Password should be at least 6 characters.'
    const reasons = { weak_password: { reasons: ['length'] } }
    expect([byNumber.status, byNumber.body]).toEqual([422, { code: 422, error_code: 'weak_password', msg: message, ...reasons }])
    for (const version of ['2024-01-01', '2026-11-30']) {
      const byName = await call('/signup', { body: weak, headers: { 'x-supabase-api-version': version } })
      expect(byName.body).toEqual({ code: 'weak_password', message, ...reasons })
      expect(byName.headers['x-supabase-api-version']).toBe('2024-01-01')
    }
    for (const version of ['2023-12-31', 'x', '', '2024-13-45']) {
      const other = await call('/signup', { body: weak, headers: { 'x-supabase-api-version': version } })
      expect(other.body.error_code).toBe('weak_password')
    }
  })

  test('a token that is none, that is spoilt, or expired', async () => {
    const { access_token: token } = await signUp()
    const reasonOf = async (text: string) => (await call('/user', { method: 'GET', token: text })).body
    expect(await reasonOf('x')).toMatchObject({
      code: 403,
      error_code: 'bad_jwt',
      msg: expect.stringMatching(/^invalid JWT: unable to parse/),
    })
    expect((await reasonOf(`${token.slice(0, -2)}AA`)).msg).toContain('signature is invalid')
    const { tokens } = await gateway.alpha.scope('authenticated')
    const expired = tokens.sign({ role: 'authenticated', sub: '44444444-4444-4444-8444-444444444444', exp: 1_000_000 })
    expect((await reasonOf(expired)).msg).toContain('token is expired')
  })

  test('a tenant’s trigger that raises: GoTrue’s sentence, and its own words for older clients', async () => {
    await gateway.alpha.runAsOwner(`
      create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not today'; end $$;
      create trigger refuse before insert on auth.users for each row execute function public.refuse()`)
    const byName = await call('/signup', { body: { email: newEmail(), password }, headers: { 'x-supabase-api-version': '2024-01-01' } })
    expect([byName.status, byName.body]).toEqual([500, { code: 'unexpected_failure', message: 'Database error saving new user' }])
    const byNumber = await call('/signup', { body: { email: newEmail(), password } })
    expect([byNumber.status, byNumber.body]).toEqual([500, { code: 'P0001', message: 'not today' }])
    await gateway.alpha.runAsOwner(`create or replace function public.refuse() returns trigger language plpgsql as $$
      begin raise exception 'pay first' using errcode = 'PT402', hint = 'the till is over there'; end $$`)
    const chosen = await call('/signup', { body: { email: newEmail(), password } })
    expect([chosen.status, chosen.body]).toEqual([402, { code: 'PT402', message: 'pay first', hint: 'the till is over there' }])
    await gateway.alpha.runAsOwner('drop function public.refuse() cascade')
    expect(gateway.errors).toEqual([])
  })
})

describe('hostile requests', () => {
  const PATHS = [
    '/signup',
    '/token?grant_type=password',
    '/token?grant_type=refresh_token',
    '/token?grant_type=pkce',
    '/resend',
    '/verify',
    '/admin/generate_link',
    '/admin/users',
  ] as const
  const hostileBodies: (Buffer | string)[] = [
    '', ' ', '{', '[]', '"x"', '1', 'null', '{"email":1}', '{"email":{}}', '{"email":["a"],"password":true}', '{"__proto__":{"email":"a@b.de"}}',
    '{"email":null,"password":null}', '{"email":"a\\u0000@b.de","password":"x"}', '{"email":"\\ud800@b.de","password":"\\ud800abcdef"}',
    '{"email":"a@b.de\\nBcc: c@d.de","password":"correct horse"}', `{"email":"a@b.de","password":"${'x'.repeat(900_000)}"}`,
    `{"email":"${'x'.repeat(900_000)}@b.de","password":"correct horse"}`, '{"email":"a@b.de","password":"correct horse","data":[],"user_metadata":[]}',
    '{"email":"a@b.de","password":"correct horse","data":{"a":"\\u0000"},"user_metadata":{"a":"\\u0000"}}', '{"email":"a@b.de","password":"correct horse","data":{"\\udfff":1},"user_metadata":{"\\udfff":1}}',
    `{"email":"a@b.de","password":"correct horse","data":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)},"user_metadata":"x"}`,
    '['.repeat(500_000), Buffer.from([0xff, 0xfe, 0x00]), Buffer.from('{"email":"\xff@b.de"}', 'latin1'),
    '{"refresh_token":1}', '{"refresh_token":"\\u0000"}', '{"auth_code":{},"code_verifier":[]}', '{"email":"a@b.de","ban_duration":"1x"}',
    '{"email":"a@b.de","id":"\\u0000"}', '{"email":"a@b.de","role":"postgres"}', '{"phone":"+0","password":"correct horse"}',
    '{"email":"a@b.de","phone":"1","password":"correct horse"}', '{"refresh_token":"' + 'x'.repeat(900_000) + '"}',
  ] // prettier-ignore

  test.each(PATHS)('%s answers each with a coded refusal', async (path) => {
    for (const bytes of hostileBodies) {
      const answer = await call(path, { bytes, key: gateway.alpha.keys.serviceRoleKey })
      expect(answer.status, `${path} ${String(bytes).slice(0, 80)}`).toBeGreaterThanOrEqual(400)
      expect(answer.status, `${path} ${String(bytes).slice(0, 80)}`).toBeLessThan(500)
      expect(answer.body.error_code).toEqual(expect.any(String))
    }
    expect(gateway.errors).toEqual([])
  })

  test('a body past the limit, and one of any content type', async () => {
    const large = await call('/signup', { bytes: Buffer.alloc((1 << 20) + 1, 'x') })
    expect([large.status, large.body.error_code]).toEqual([413, 'request_entity_too_large'])
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'a/b']) {
      const bytes = JSON.stringify({ email: newEmail(), password })
      expect((await call('/signup', { bytes, headers: { 'content-type': type } })).status, type).toBe(200)
    }
  })

  test('whatever is sent as a field or a query parameter, it is no error of ours', async () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.constantFrom('a@b.de', '__proto__', "'", '\0', '1e309'))
    const body = fc.dictionary(
      fc.constantFrom('email', 'password', 'data', 'phone', 'refresh_token', 'code_challenge', 'nonce', 'role'),
      value,
    )
    const paths = fc.constantFrom(...PATHS, '/recover', '/otp', '/magiclink', '/invite', '/user', '/logout', '/admin/users/x')
    await fc.assert(
      fc.asyncProperty(paths, body, value, async (path, fields, parameter) => {
        const query = encodeURIComponent(String(JSON.stringify(parameter)).toWellFormed())
        const url = `${path}${path.includes('?') ? '&' : '?'}filter=${query}&page=${query}&scope=${query}`
        const answer = await call(url, {
          body: fields,
          method: path.includes('x') ? 'PUT' : 'POST',
          key: gateway.alpha.keys.serviceRoleKey,
        })
        expect(answer.status).toBeLessThan(500)
      }),
      { numRuns: 200 },
    )
    expect(gateway.errors).toEqual([])
  })
})

test('too many tries are told to wait, each project and address by itself', async () => {
  const limits = createAuthLimits({ ...GUESSES, password: { tries: 3, seconds: 60 } })
  await using limited = await openTestGateway({ limits })
  limited.set({ rateLimitOtp: 2 })
  const post = (project: typeof limited.alpha, path: string, body: unknown) =>
    limited.app.inject({
      method: 'POST',
      url: `/projects/${project.ref}/auth/v1${path}`,
      headers: { apikey: project.keys.anonKey },
      payload: Buffer.from(JSON.stringify(body)),
    })
  const signIn = async (project: typeof limited.alpha, email: string, secret: string) =>
    (await post(project, '/token?grant_type=password', { email, password: secret })).statusCode
  const { alpha, beta } = limited
  for (const project of [alpha, beta]) await post(project, '/signup', { email: 'a@example.com', password })
  for (let index = 0; index < 6; index += 1) expect(await signIn(alpha, 'a@example.com', password)).toBe(200)
  const guesses = await Promise.all(Array.from({ length: 8 }, () => signIn(alpha, 'A@Example.com', 'wrong')))
  expect(guesses.toSorted()).toEqual([400, 400, 400, 429, 429, 429, 429, 429])
  expect(await signIn(alpha, 'a@example.com', password)).toBe(429)
  expect(await signIn(alpha, 'b@example.com', password)).toBe(400)
  expect(await signIn(beta, 'a@example.com', password)).toBe(200)
  await post(alpha, '/signup', { email: 'c@example.com', password })
  const last = await post(alpha, '/signup', { email: 'd@example.com', password })
  expect([last.statusCode, last.json()]).toEqual([
    429,
    { code: 429, error_code: 'over_request_rate_limit', msg: 'Request rate limit reached' },
  ])
  expect(Number(last.headers['retry-after'])).toBeGreaterThan(0)
})
