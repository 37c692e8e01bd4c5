import { createServer, type RequestListener, type Server } from 'node:http'
import { BlockList, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AuthSettings } from '@polder/core'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAddressGuard, createOutgoingClient, type OutgoingClient } from '../../outgoing/index.ts'
import { client, codeOf, expectCode, openTestAuth, password, type TestAuth } from '../testing/test-auth.ts'

let at: TestAuth
let receiver: Server
let outgoing: OutgoingClient
let url: string
let calls: { headers: Record<string, string>; body: string }[] = []
let answer: RequestListener

const reply =
  (status: number, body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    calls.push({ headers: request.headers as Record<string, string>, body: await text(request) })
    answer(request, response)
  })
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
  const { port } = receiver.address() as AddressInfo
  url = `http://127.0.0.1:${port}/hook`
  const allowed = new BlockList()
  allowed.addSubnet('127.0.0.0', 8, 'ipv4')
  outgoing = createOutgoingClient({ guard: createAddressGuard({ allowed }), ports: [port] })
  at = await openTestAuth({ outgoing })
  await at.project.runAsOwner('create schema hooks; grant usage on schema hooks to supabase_auth_admin')
})
beforeEach(() => {
  at.reset({ mailerAutoconfirm: true })
  calls = []
  answer = reply(200, {})
})
afterAll(async () => {
  await at?.[Symbol.asyncDispose]()
  await outgoing?.[Symbol.asyncDispose]()
  receiver?.closeAllConnections()
  receiver?.close()
})

const signUp = (email = at.newEmail()) => at.auth.signUp(at.scopes.app(), { email, password, client })
const signIn = (email: string, secret = password) => at.auth.signIn(at.scopes.app(), { email, password: secret, client })

/** A function of the project that answers what the SQL says; `event` is the payload. */
const define = async (name: string, body: string) => {
  await at.project.runAsOwner(`
    create or replace function hooks.${name}(event jsonb) returns jsonb language plpgsql as $$ begin ${body} end $$;
    grant execute on function hooks.${name} to supabase_auth_admin; revoke execute on function hooks.${name} from public, anon, authenticated`)
  return `pg-functions://postgres/hooks/${name}`
}

describe('before a user is created', () => {
  const use = (hookBeforeUserCreatedUri: string) =>
    at.reset({ mailerAutoconfirm: true, externalAnonymousUsersEnabled: true, hookBeforeUserCreatedEnabled: true, hookBeforeUserCreatedUri })

  test('a function of the database is asked, with its own rights, and can refuse', async () => {
    use(
      await define(
        'before_user',
        `if event->'user'->>'email' like '%@blocked.test' then
          return jsonb_build_object('error', jsonb_build_object('http_code', 403, 'message', 'No ' || (event->'metadata'->>'name') || ' as ' || current_user));
        end if; return '{}';`,
      ),
    )
    await signUp()
    const email = 'ada@blocked.test'
    const refusal = { code: 'auth.hook_rejected', message: 'No before-user-created as supabase_auth_admin', details: { status: 403 } }
    const { auth, scopes } = at
    const invitation = { email, redirectTo: '', client }
    for (const work of [
      () => signUp(email),
      () => auth.requestEmailOtp(scopes.app(), { ...invitation, mayCreate: true }),
      () => auth.inviteUser(scopes.member(), invitation),
    ]) {
      await expect(work()).rejects.toMatchObject(refusal)
    }
    expect((await auth.listUsers(scopes.member(), { page: 1, perPage: 1, search: email })).total).toBe(0)
  })

  test('hears of newcomers alone, anonymous ones too', async () => {
    use(url)
    const email = at.newEmail()
    await signUp(email)
    await codeOf(signUp(email))
    await at.auth.signUpAnonymously(at.scopes.app(), { client })
    expect(calls.map(({ body }) => JSON.parse(body).user)).toMatchObject([
      { email, is_anonymous: false },
      { email: '', is_anonymous: true },
    ])
  })
})

describe('a call by HTTPS', () => {
  const secrets = ['one', 'two'].map((name) => `v1,whsec_${Buffer.from(name.repeat(12)).toString('base64')}`)
  const use = (settings: Partial<AuthSettings> = {}) => {
    at.reset({ mailerAutoconfirm: true, hookBeforeUserCreatedEnabled: true, hookBeforeUserCreatedUri: url, ...settings })
    at.scopes.setSecrets({ hook_before_user_created_secrets: secrets.join('|') })
  }

  test('is signed as a standard webhook is, by each of the secrets', async () => {
    use()
    await signUp()
    const [{ headers, body }] = calls as [(typeof calls)[number]]
    for (const secret of secrets) {
      const payload = new Webhook(secret.slice('v1,'.length)).verify(body, headers)
      expect(payload).toMatchObject({
        metadata: { name: 'before-user-created', ip_address: '192.0.2.1', uuid: expect.any(String), time: expect.any(String) },
      })
    }
    expect(() => new Webhook(secrets[0]!.slice(3)).verify(`${body} `, headers)).toThrow()
    expect(headers['content-type']).toBe('application/json')
  })

  const REFUSALS: [string, () => RequestListener, string][] = [
    ['an error of its own', () => reply(200, { error: { http_code: 422, message: 'no' } }), 'auth.hook_rejected'],
    ['400', () => reply(400, {}), 'auth.hook_failed'],
    ['401', () => reply(401, {}), 'auth.hook_failed'],
    ['500', () => reply(500, {}), 'auth.hook_failed'],
    ['a redirection', () => reply(302, '', { location: 'http://127.0.0.1/' }), 'auth.hook_failed'],
    ['no JSON', () => reply(200, 'x'), 'auth.hook_failed'],
    ['a list', () => reply(200, []), 'auth.hook_failed'],
    ['another content type', () => reply(200, '{}', { 'content-type': 'text/plain' }), 'auth.hook_answer_invalid'],
    ['no content type', () => reply(200, '{}', {}), 'auth.hook_answer_invalid'],
    ['more than 200 kB', () => reply(200, { a: 'x'.repeat(210_000) }), 'auth.hook_failed'],
  ]

  test.each(REFUSALS)('that answers %s', async (_what, toAnswer, code) => {
    use()
    answer = toAnswer()
    expect(await codeOf(signUp())).toBe(code)
    expect(calls).toHaveLength(1)
  })

  test('is tried again where that is asked for, three times in all', async () => {
    use()
    answer = (request, response) => {
      const isLast = calls.length >= 3
      reply(isLast ? 200 : 503, {}, { 'content-type': 'application/json', ...(!isLast && { 'retry-after': 'true' }) })(request, response)
    }
    await signUp()
    expect(calls).toHaveLength(3)
  })

  test('takes five seconds at the most', { timeout: 15_000 }, async () => {
    use()
    answer = () => {}
    const start = performance.now()
    await expectCode(signUp(), 'auth.hook_timeout')
    expect(performance.now() - start).toBeGreaterThan(4_000)
    expect(performance.now() - start).toBeLessThan(9_000)
  })

  test('goes to no address that the operator does not allow', async () => {
    use({ hookBeforeUserCreatedUri: 'https://169.254.169.254/' })
    await expectCode(signUp(), 'auth.hook_failed')
  })
})

describe('a call of a function', () => {
  const use = (uri: string) => at.reset({ mailerAutoconfirm: true, hookBeforeUserCreatedEnabled: true, hookBeforeUserCreatedUri: uri })

  test('takes two seconds at the most, and what it did then is undone', { timeout: 15_000 }, async () => {
    await at.project.runAsOwner('create table hooks.calls (n int); grant insert on hooks.calls to supabase_auth_admin')
    use(await define('slow', `insert into hooks.calls values (1); perform pg_sleep(20); return '{}';`))
    await expectCode(signUp(), 'auth.hook_timeout')
    expect((await at.project.runAsOwner('select from hooks.calls')).rowCount).toBe(0)
  })

  test('that fails, is not there, or may not be called', async () => {
    use(await define('broken', `raise exception 'no';`))
    await expectCode(signUp(), 'auth.hook_failed')
    use('pg-functions://postgres/hooks/missing')
    await expectCode(signUp(), 'auth.hook_failed')
    await at.project.runAsOwner(`create function hooks.secret(event jsonb) returns jsonb language sql as $$ select '{}'::jsonb $$;
      revoke execute on function hooks.secret from public`)
    use('pg-functions://postgres/hooks/secret')
    await expectCode(signUp(), 'auth.hook_failed')
  })

  test('has no more rights than its project gave it', async () => {
    use(await define('curious', `perform 1 from vault.secrets; return '{}';`))
    expect(await codeOf(signUp())).toBe('auth.hook_failed')
    use(await define('climber', `set role postgres; return '{}';`))
    expect(await codeOf(signUp())).toBe('auth.hook_failed')
  })
})

describe('the claims of a token', () => {
  const use = (hookCustomAccessTokenUri: string) =>
    at.reset({ mailerAutoconfirm: true, hookCustomAccessTokenEnabled: true, hookCustomAccessTokenUri })

  test('are what the hook makes of them, at sign-in and at every refresh', async () => {
    const { email } = await at.addUser()
    use(
      await define(
        'claims',
        `return jsonb_build_object('claims', event->'claims' || jsonb_build_object('plan', 'pro', 'method', event->>'authentication_method'));`,
      ),
    )
    const session = await signIn(email)
    expect(at.scopes.tokens.verify(session.accessToken)).toMatchObject({ plan: 'pro', method: 'password', email, role: 'authenticated' })
    const refreshed = await at.auth.refreshSession(at.scopes.app(), { refreshToken: session.refreshToken, client })
    expect(at.scopes.tokens.verify(refreshed.accessToken)).toMatchObject({ plan: 'pro', method: 'token_refresh' })
  })

  test('that would be no token of ours are refused, and nothing is spent', async () => {
    const { email, refreshToken } = await at.addUser()
    for (const claims of [
      `'{}'`,
      `event->'claims' - 'sub'`,
      `event->'claims' || '{"role":"postgres"}'`,
      `event->'claims' || '{"exp":"x"}'`,
      `'[]'`,
    ]) {
      use(await define('claims', `return jsonb_build_object('claims', ${claims});`))
      expect(await codeOf(signIn(email)), claims).toBe('auth.hook_failed')
      expect(await codeOf(at.auth.refreshSession(at.scopes.app(), { refreshToken, client })), claims).toBe('auth.hook_failed')
    }
    at.reset()
    await at.auth.refreshSession(at.scopes.app(), { refreshToken, client })
    const { rows } = await at.project.runAsOwner(
      `select count(*)::int from auth.sessions where user_id = (select id from auth.users where email = '${email}')`,
    )
    expect(rows).toEqual([{ count: 1 }])
  })
})

test('an attempt with a password is told, right or wrong, and may be refused', async () => {
  const { email, id, accessToken } = await at.addUser()
  at.reset({ hookPasswordVerificationAttemptEnabled: true, hookPasswordVerificationAttemptUri: url })
  answer = reply(200, { decision: 'continue' })
  await expectCode(signIn(email, 'wrong'), 'auth.invalid_credentials')
  await signIn(email)
  await expectCode(signIn('nobody@example.com'), 'auth.invalid_credentials')
  expect(calls.map(({ body }) => JSON.parse(body))).toMatchObject([
    { user_id: id, valid: false, metadata: { name: 'password-verification' } },
    { user_id: id, valid: true },
  ])
  answer = reply(200, { decision: 'reject', message: 'Too many', should_logout_user: true })
  await expect(signIn(email)).rejects.toMatchObject({ code: 'auth.invalid_credentials', message: 'Too many' })
  await expectCode(at.auth.getUser(at.scopes.withToken(accessToken)), 'auth.session_not_found')
})

describe('sending', () => {
  test('mail by a hook: the payload has what a mail needs, and works', async () => {
    at.reset({ hookSendEmailEnabled: true, hookSendEmailUri: url })
    const email = at.newEmail()
    await at.auth.signUp(at.scopes.app(), { email, password, redirectTo: 'http://localhost:3000/x', client })
    await at.auth.settle()
    const { user, email_data: data } = JSON.parse(calls[0]!.body)
    expect(user).toMatchObject({ email, aud: 'authenticated' })
    expect(data).toMatchObject({
      email_action_type: 'signup',
      redirect_to: 'http://localhost:3000/x',
      site_url: expect.stringContaining('/auth/v1'),
      token_new: '',
    })
    expect(await at.inboxOf(email)).toEqual([])
    await at.verify({ type: 'signup', token: data.token, email })
    await at.auth.requestEmailOtp(at.scopes.app(), { email, mayCreate: false, redirectTo: '', client })
    await at.auth.settle()
    await at.verify({ type: 'magiclink', tokenHash: JSON.parse(calls[1]!.body).email_data.token_hash })
  })

  test('a change of address is one call: the codes stand crosswise, as GoTrue’s do', async () => {
    const { email, accessToken } = await at.addUser()
    at.reset({ hookSendEmailEnabled: true, hookSendEmailUri: url })
    const newEmail = at.newEmail()
    await at.auth.updateUser(at.scopes.withToken(accessToken), { email: newEmail, client })
    expect(calls).toHaveLength(1)
    const { user, email_data: data } = JSON.parse(calls[0]!.body)
    expect(user).toMatchObject({ email, new_email: newEmail })
    expect((await at.verify({ type: 'email_change', token: data.token, email })).kind).toBe('accepted')
    expect((await at.verify({ type: 'email_change', token: data.token_new, email: newEmail })).kind).toBe('session')
  })

  test('messages by a hook, and what it refuses was not sent', async () => {
    at.reset({ hookSendSmsEnabled: true, hookSendSmsUri: url })
    const phone = at.newPhone()
    const request = () => at.auth.requestPhoneOtp(at.scopes.app(), { phone, channel: '', mayCreate: true, client })
    await request()
    const { sms, user } = JSON.parse(calls[0]!.body)
    expect([sms, user.phone]).toEqual([{ otp: expect.stringMatching(/^\d{6}$/), phone }, phone])
    await at.verify({ type: 'sms', token: sms.otp, phone })
    answer = reply(200, { error: { http_code: 429, message: 'later' } })
    await expect(request()).rejects.toMatchObject({ code: 'auth.hook_rejected', details: { status: 429 } })
  })
})
