import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openLinkStage, type LinkStage } from './testing/link-stage.ts'

// What clients were seen to rely on, one by one.

let at: LinkStage
const password = 'correct horse'
const AUTOCONFIRM = { mailerAutoconfirm: true, smsAutoconfirm: true, externalPhoneEnabled: true, externalAnonymousUsersEnabled: true }

beforeAll(async () => void (at = await openLinkStage()))
beforeEach(() => at.set(AUTOCONFIRM))
afterAll(() => at?.[Symbol.asyncDispose]())

interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  body?: object
  token?: string
  key?: string
  headers?: Record<string, string>
}

async function call(path: string, { method, body, token, key = at.gateway.alpha.keys.anonKey, headers }: Call = {}) {
  const answer = await at.gateway.app.inject({
    method: method ?? (body ? 'POST' : 'GET'),
    url: `/projects/${at.gateway.alpha.ref}/auth/v1${path}`,
    headers: { apikey: key, ...(token && { authorization: `Bearer ${token}` }), ...headers },
    ...(body && { payload: Buffer.from(JSON.stringify(body)) }),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.body === '' ? null : JSON.parse(answer.body) }
}

const admin = (path: string, options: Call = {}) =>
  call(path, { key: at.gateway.alpha.keys.serviceRoleKey, token: at.gateway.alpha.keys.serviceRoleKey, ...options })
const signUp = async (fields: object = {}) => {
  const email = at.newEmail()
  return { email, ...(await call('/signup', { body: { email, password, ...fields } })).body }
}

test('1: an address that is taken is an error with autoconfirm, and somebody made up without', async () => {
  const { email, user } = await signUp()
  const taken = await call('/signup', { body: { email, password } })
  expect(taken).toMatchObject({
    status: 422,
    body: { error_code: 'user_already_exists', msg: expect.stringMatching(/^User already registered/) },
  })
  at.set()
  const hidden = await call('/signup', { body: { email, password } })
  expect(hidden).toMatchObject({ status: 200, body: { email, confirmation_sent_at: expect.any(String) } })
  expect(hidden.body.id).not.toBe(user.id)
  expect(JSON.stringify(hidden.body)).not.toContain(user.id)
})

test('2: a sign-up answers the user itself, or a flat session', async () => {
  const session = await signUp()
  expect(Object.keys(session).toSorted()).toEqual(
    ['access_token', 'email', 'expires_at', 'expires_in', 'refresh_token', 'token_type', 'user'].toSorted(),
  )
  expect(session.token_type).toBe('bearer')
  at.set()
  const waiting = await signUp()
  expect(waiting).toMatchObject({
    id: expect.any(String),
    aud: 'authenticated',
    role: 'authenticated',
    identities: [{ provider: 'email' }],
  })
  expect(waiting).not.toHaveProperty('user')
})

test('3: a user always has these members', async () => {
  const { user } = await signUp()
  expect(user).toMatchObject({
    ...{ phone: '', aud: 'authenticated', role: 'authenticated', is_anonymous: false },
    app_metadata: { provider: 'email', providers: ['email'] },
    identities: [{ provider: 'email', identity_data: { email: user.email, sub: user.id } }],
  })
  for (const time of ['email_confirmed_at', 'confirmed_at', 'last_sign_in_at', 'created_at', 'updated_at'])
    expect(Date.parse(user[time])).toBeGreaterThan(0)
  const { body: made } = await admin('/admin/users', { body: { email: at.newEmail(), app_metadata: { plan: 'pro' } } })
  expect(made.app_metadata).toEqual({ plan: 'pro', provider: 'email', providers: ['email'] })
  const { body: changed } = await admin(`/admin/users/${made.id}`, { method: 'PUT', body: { app_metadata: { plan: 'free' } } })
  expect(changed.app_metadata).toEqual({ plan: 'free', provider: 'email', providers: ['email'] })
})

const TEXTS: [string, string, object, object, string, number, string][] = [
  ['an address', '/signup', { email: 'none', password }, {}, 'Unable to validate email address: invalid format', 400, 'validation_failed'],
  [
    'a password',
    '/signup',
    { email: 'a@example.com', password: '12345' },
    {},
    'Password should be at least 6 characters.',
    422,
    'weak_password',
  ],
  ['a code', '/verify', { type: 'email', email: 'a@example.com', token: '1' }, {}, 'Token has expired or is invalid', 403, 'otp_expired'],
  ['a number', '/otp', { phone: 'x' }, {}, 'Invalid phone number format (E.164 required)', 400, 'validation_failed'],
  [
    'sign-ups',
    '/signup',
    { email: 'a@example.com', password },
    { disableSignup: true },
    'Signups not allowed for this instance',
    422,
    'signup_disabled',
  ],
  [
    'anonymous ones',
    '/signup',
    {},
    { externalAnonymousUsersEnabled: false },
    'Anonymous sign-ins are disabled',
    422,
    'anonymous_provider_disabled',
  ],
  ['web3', '/token?grant_type=web3', {}, {}, 'Web3 provider is disabled', 422, 'web3_provider_disabled'],
  ['SAML', '/sso', { domain: 'x' }, {}, 'SAML 2.0 is disabled', 404, 'saml_provider_disabled'],
]

test.each(TEXTS)('4: %s: the exact text', async (_what, path, body, settings, text, status, code) => {
  at.set({ ...AUTOCONFIRM, ...settings })
  expect(await call(path, { body })).toMatchObject({ status, body: { code: status, error_code: code, msg: text } })
})

test('5: routes of users ask for a bearer token, and a key is none', async () => {
  const { anonKey, serviceRoleKey } = at.gateway.alpha.keys
  for (const token of [undefined, anonKey, serviceRoleKey]) {
    const answer = await call('/user', token === undefined ? {} : { token })
    expect(answer).toMatchObject({ status: 401, body: { msg: expect.stringContaining('Bearer token') } })
  }
})

test('6: whoever asks for mail to a stranger is told nothing', async () => {
  at.set({ externalPhoneEnabled: true })
  const requests: [string, object][] = [
    ['/recover', { email: at.newEmail() }],
    ['/resend', { type: 'signup', email: at.newEmail() }],
    ['/resend', { type: 'email_change', email: at.newEmail() }],
    ['/resend', { type: 'sms', phone: '+31612340001' }],
    ['/resend', { type: 'phone_change', phone: '+31612340002' }],
  ]
  for (const [path, body] of requests) expect(await call(path, { body }), path).toMatchObject({ status: 200, body: {} })
  const otp = await call('/otp', { body: { email: at.newEmail(), create_user: false } })
  expect(otp).toMatchObject({ status: 422, body: { error_code: 'otp_disabled' } })
})

test('7: numbers are compared without their plus sign, and looked at before anybody is looked up', async () => {
  const verify = (phone: string) => call('/verify', { body: { type: 'phone_change', phone, token: '123456' } })
  expect(await verify('+31612340003')).toMatchObject({
    status: 403,
    body: { error_code: 'otp_expired', msg: 'Token has expired or is invalid' },
  })
  expect(await verify('phone')).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } })
  const { body: session } = await call('/signup', { body: { phone: '+31612340004', password } })
  expect(session.user.phone).toBe('31612340004')
  expect((await call('/token?grant_type=password', { body: { phone: '31612340004', password } })).status).toBe(200)
})

test('8: signing out after user or session is gone is answered so that clients swallow it', async () => {
  const { access_token: token, user } = await signUp()
  expect((await call('/logout?scope=local', { method: 'POST', token })).status).toBe(204)
  expect([401, 403, 404]).toContain((await call('/logout', { method: 'POST', token })).status)
  await admin(`/admin/users/${user.id}`, { method: 'DELETE' })
  expect([401, 403, 404]).toContain((await call('/logout?scope=global', { method: 'POST', token })).status)
  const bad = await call('/logout', { method: 'POST', token: 'x' })
  expect(bad.body.msg).toMatch(/^invalid JWT/)
})

test('9: an access token has these claims', async () => {
  const { access_token: token, user } = await signUp({ data: { name: 'Ada' } })
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
  expect(claims).toMatchObject({
    ...{ sub: user.id, aud: 'authenticated', role: 'authenticated', email: user.email, phone: '', aal: 'aal1', is_anonymous: false },
    ...{
      amr: [{ method: 'password', timestamp: expect.any(Number) }],
      session_id: expect.any(String),
      iat: expect.any(Number),
      exp: claims.iat + 3600,
    },
    app_metadata: { provider: 'email' },
    user_metadata: { name: 'Ada' },
  })
  expect(claims.iss).toContain('/auth/v1')
})

test('10: refresh tokens', async () => {
  const refresh = (refreshToken: string) => call('/token?grant_type=refresh_token', { body: { refresh_token: refreshToken } })
  expect(await refresh('unknown')).toMatchObject({
    status: 400,
    body: { error_code: 'refresh_token_not_found', msg: 'Invalid Refresh Token: Refresh Token Not Found' },
  })
  const { refresh_token: first, user } = await signUp()
  const { body: second } = await refresh(first)
  expect(second.refresh_token).not.toBe(first)
  expect((await refresh(first)).body.refresh_token).toBe(second.refresh_token)
  await at.gateway.alpha.runAsOwner(
    `update auth.refresh_tokens set updated_at = now() - interval '11 seconds' where user_id = '${user.id}' and revoked`,
  )
  expect(await refresh(first)).toMatchObject({
    status: 400,
    body: { error_code: 'refresh_token_already_used', msg: 'Invalid Refresh Token: Already Used' },
  })
})

test('11: PKCE', async () => {
  const unknown = await call('/token?grant_type=pkce', { body: { auth_code: crypto.randomUUID(), code_verifier: 'x'.repeat(43) } })
  expect(unknown).toMatchObject({ status: 404, body: { error_code: 'flow_state_not_found' } })
  at.set()
  const challenge = { code_challenge: 'x'.repeat(43), code_challenge_method: 's256' }
  const { email, ...waiting } = await signUp(challenge)
  expect(waiting).not.toHaveProperty('access_token')
  for (const path of ['/otp', '/recover'])
    expect(await call(path, { body: { email, ...challenge } })).toMatchObject({ status: 200, body: {} })
})

test('12: links of administrators', async () => {
  const { email } = await signUp()
  const generate = (body: object) => admin('/admin/generate_link', { body })
  const { body: link } = await generate({ type: 'magiclink', email, redirect_to: 'https://evil.example.com/' })
  expect(link).toMatchObject({
    ...{ email, aud: 'authenticated', email_otp: expect.stringMatching(/^\d{6}$/), hashed_token: expect.any(String) },
    ...{ redirect_to: 'http://localhost:3000', verification_type: 'magiclink' },
  })
  for (const part of [`token=${link.hashed_token}`, 'type=magiclink', 'redirect_to=http']) expect(link.action_link).toContain(part)
  const newEmail = at.newEmail()
  expect((await generate({ type: 'email_change_current', email, new_email: newEmail })).body.new_email).toBe(newEmail)
  expect((await generate({ type: 'invite', email: at.newEmail() })).body.invited_at).toEqual(expect.any(String))
})

test('13: administrators list, find, confirm and delete', async () => {
  for (let index = 0; index < 3; index += 1) await signUp()
  const list = await admin('/admin/users?page=1&per_page=2')
  expect(list.body).toMatchObject({ aud: 'authenticated', users: { length: 2 } })
  expect(Number(list.headers['x-total-count'])).toBeGreaterThan(2)
  expect(list.headers.link).toMatch(/^<\/admin\/users\?page=2&per_page=2>; rel="next", <\/admin\/users\?page=\d+&per_page=2>; rel="last"$/)
  const sorted = await admin(`/admin/users?sort=${encodeURIComponent('email asc')}&filter=user-1`)
  const emails = sorted.body.users.map(({ email }: { email: string }) => email)
  expect(emails).toEqual(emails.toSorted())
  expect((await admin('/admin/users?page=-1')).status).toBe(400)
  expect(await admin(`/admin/users/${crypto.randomUUID()}`)).toMatchObject({ status: 404, body: { error_code: 'user_not_found' } })
  const { body: made } = await admin('/admin/users', { body: { email: at.newEmail(), email_confirm: false } })
  expect(made).not.toHaveProperty('email_confirmed_at')
  const { body: confirmed } = await admin(`/admin/users/${made.id}`, { method: 'PUT', body: { email_confirm: true } })
  expect(confirmed.email_confirmed_at).toEqual(expect.any(String))
  expect(await admin(`/admin/users/${made.id}`, { method: 'DELETE' })).toMatchObject({ status: 200, body: {} })
  const audit = await admin('/admin/audit?query=action:user_deleted&per_page=1')
  expect(audit.body).toMatchObject([
    { id: expect.any(String), payload: { action: 'user_deleted', traits: { user_id: made.id } }, created_at: expect.any(String) },
  ])
})

test('19: errors by number, and by name for clients that know them', async () => {
  const body = { email: at.newEmail(), password: '1' }
  const old = await call('/signup', { body })
  expect(old.body).toMatchObject({
    code: 422,
    error_code: 'weak_password',
    msg: expect.any(String),
    weak_password: { reasons: ['length'] },
  })
  const named = await call('/signup', { body, headers: { 'x-supabase-api-version': '2024-01-01' } })
  expect(named.body).toMatchObject({ code: 'weak_password', message: expect.any(String), weak_password: { reasons: ['length'] } })
  expect(named.headers['x-supabase-api-version']).toBe('2024-01-01')
})

test('20: reauthentication, merged metadata, and users without a name', async () => {
  const { access_token: token, email } = await signUp({ data: { a: 1, b: 2 } })
  expect(await call('/reauthenticate', { token })).toMatchObject({ status: 200, body: {} })
  expect((await at.mailTo(email)).code).toMatch(/^\d{6}$/)
  const { body: user } = await call('/user', { method: 'PUT', token, body: { data: { b: 3 } } })
  expect(user).toMatchObject({ email, user_metadata: { a: 1, b: 3 }, identities: [{ provider: 'email' }] })
  const { body: session } = await call('/signup', { body: { data: { theme: 'dark' } } })
  expect(session.user).toMatchObject({ is_anonymous: true, email: '', user_metadata: { theme: 'dark' } })
})

test('21: limits are settings', async () => {
  at.set({ ...AUTOCONFIRM, rateLimitOtp: 0 })
  expect((await call('/signup', { body: { email: at.newEmail(), password } })).status).toBe(429)
  at.set({ ...AUTOCONFIRM, rateLimitOtp: 100_000, smtpMaxFrequency: 0 })
  const email = at.newEmail()
  for (let index = 0; index < 3; index += 1) expect((await call('/recover', { body: { email } })).status).toBe(200)
})
