import { createServer, type Server } from 'node:http'
import { BlockList, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createAuthAdapter, createCaptcha } from '@polder/adapters/auth'
import { createAddressGuard, createOutgoingClient, type OutgoingClient } from '@polder/adapters/outgoing'
import type { TestProject } from '@polder/db/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAuthLimits, GUESSES } from './auth-limits.ts'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let checker: Server
let outgoing: OutgoingClient
let asked: Record<string, string>[] = []
let verdict: string
const password = 'correct horse'
let count = 0
const newEmail = () => `user-${(count += 1)}@example.com`

beforeAll(async () => {
  checker = createServer(async (request, response) => {
    asked.push(Object.fromEntries(new URLSearchParams(await text(request))))
    response.writeHead(200, { 'content-type': 'application/json' }).end(verdict)
  })
  await new Promise<void>((done) => checker.listen(0, '127.0.0.1', done))
  const { port } = checker.address() as AddressInfo
  const allowed = new BlockList()
  allowed.addSubnet('127.0.0.0', 8, 'ipv4')
  outgoing = createOutgoingClient({ guard: createAddressGuard({ allowed }), ports: [port] })
  const url = `http://127.0.0.1:${port}/siteverify`
  const captcha = createCaptcha(outgoing, { hcaptcha: url, turnstile: `${url}?turnstile` })
  const limits = createAuthLimits({ ...GUESSES, code: { tries: 3, seconds: 60 } })
  gateway = await openTestGateway({ auth: createAuthAdapter({ outgoing, captcha }), limits })
})
beforeEach(() => {
  asked = []
  verdict = '{"success":true}'
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await outgoing?.[Symbol.asyncDispose]()
  checker?.close()
})

let address = 0
const newAddress = () => `10.0.${Math.floor((address += 1) / 250)}.${1 + (address % 250)}`

/** From another client address each time, unless one is given. */
async function post(
  path: string,
  body: object,
  { project = gateway.alpha, from, key }: { project?: TestProject; from?: string; key?: string } = {},
) {
  const answer = await gateway.app.inject({
    method: path.startsWith('/user') ? 'PUT' : 'POST',
    url: `/projects/${project.ref}/auth/v1${path}`,
    remoteAddress: from ?? newAddress(),
    headers: { apikey: key ?? project.keys.anonKey },
    payload: Buffer.from(JSON.stringify(body)),
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
}

describe('one client address', () => {
  const LIMITED: [string, object, Parameters<TestGateway['set']>[0], number][] = [
    ['/signup', { password }, { rateLimitOtp: 2 }, 200],
    ['/signup', {}, { rateLimitAnonymousUsers: 2, externalAnonymousUsersEnabled: true }, 200],
    ['/recover', {}, { rateLimitOtp: 2 }, 200],
    ['/resend', { type: 'signup' }, { rateLimitOtp: 2 }, 200],
    ['/otp', { create_user: false }, { rateLimitOtp: 2 }, 422],
    ['/magiclink', {}, { rateLimitOtp: 2 }, 200],
    ['/verify', { type: 'email', token: '123456' }, { rateLimitVerify: 2 }, 403],
    ['/token?grant_type=password', { password }, { rateLimitTokenRefresh: 2 }, 400],
    ['/token?grant_type=refresh_token', { refresh_token: 'x' }, { rateLimitTokenRefresh: 2 }, 400],
    ['/token?grant_type=pkce', { auth_code: 'x', code_verifier: 'y' }, { rateLimitTokenRefresh: 2 }, 404],
  ]

  test.each(LIMITED)('may %s %j so often, in each project by itself', async (path, body, settings, usual) => {
    gateway.set({ passwordArgon2MemoryKib: 8_192, passwordArgon2Passes: 1, ...settings })
    const from = newAddress()
    const isAnonymous = settings.externalAnonymousUsersEnabled
    const send = (where: object) => post(path, { ...(!isAnonymous && { email: newEmail() }), ...body }, { from, ...where })
    expect([(await send({})).status, (await send({})).status]).toEqual([usual, usual])
    const refused = await send({})
    expect(refused).toMatchObject({ status: 429, body: { error_code: 'over_request_rate_limit', msg: 'Request rate limit reached' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await send({ project: gateway.beta })).status).toBe(usual)
    expect((await send({ from: newAddress() })).status).toBe(usual)
  })
})

test('one account: codes cannot be guessed, from however many addresses; the right one works for others meanwhile', async () => {
  gateway.set({ smtpMaxFrequency: 0 })
  const email = newEmail()
  await post('/signup', { email, password })
  await post('/recover', { email })
  const guess = (who: string) => post('/verify', { type: 'recovery', email: who, token: '000000' })
  const guesses = await Promise.all(Array.from({ length: 6 }, () => guess(email)))
  expect(guesses.map(({ status }) => status).toSorted()).toEqual([403, 403, 403, 429, 429, 429])
  expect((await guess(newEmail())).status).toBe(403)
})

test('one project: so many mails an hour, and the same mail not before its time', async () => {
  gateway.set({ mailerAutoconfirm: false, smtpMaxFrequency: 60 })
  const email = newEmail()
  expect((await post('/recover', { email })).status).toBe(200)
  const again = await post('/recover', { email })
  expect(again).toMatchObject({ status: 429, body: { error_code: 'over_email_send_rate_limit' } })
  expect(again.body.msg).toMatch(/^For security purposes, you can only request this after \d+ seconds\.$/)
  gateway.set({ rateLimitEmailSent: 0 })
  const invited = await post('/invite', { email: newEmail() }, { key: gateway.alpha.keys.serviceRoleKey })
  expect(invited).toMatchObject({ status: 429, body: { error_code: 'over_email_send_rate_limit', msg: 'email rate limit exceeded' } })
})

describe('a captcha', () => {
  const GUARDED: [string, object][] = [
    ['/signup', { password }],
    ['/recover', {}],
    ['/resend', { type: 'signup' }],
    ['/otp', {}],
    ['/magiclink', {}],
    ['/token?grant_type=password', { password }],
  ]

  test.each(GUARDED)('is asked for at %s, and not of administrators', async (path, body) => {
    gateway.set({ securityCaptchaEnabled: true }, { security_captcha_secret: 'the secret' })
    const send = (more: object, where?: object) => post(path, { email: newEmail(), ...body, ...more }, where)
    const without = await send({})
    expect(without).toMatchObject({
      status: 400,
      body: { error_code: 'captcha_failed', msg: 'captcha protection: request disallowed (no captcha_token found)' },
    })
    verdict = '{"success":false,"error-codes":["invalid-input-response"]}'
    const wrong = await send({ gotrue_meta_security: { captcha_token: 'the token' } })
    expect(wrong).toMatchObject({
      status: 400,
      body: { error_code: 'captcha_failed', msg: 'captcha protection: request disallowed (invalid-input-response)' },
    })
    verdict = '{"success":true}'
    const right = await send({ gotrue_meta_security: { captcha_token: 'the token' } })
    expect(right.body.error_code).not.toBe('captcha_failed')
    expect(asked.at(-1)).toEqual({ secret: 'the secret', response: 'the token', remoteip: expect.stringMatching(/^10\.0\./) })
    const admin = await send({}, { key: gateway.alpha.keys.serviceRoleKey })
    expect(admin.body.error_code).not.toBe('captcha_failed')
  })

  test('that nobody can check lets nobody in; a refresh needs none', async () => {
    gateway.set({ securityCaptchaEnabled: true, securityCaptchaProvider: 'turnstile' }, { security_captcha_secret: 'the secret' })
    verdict = 'no JSON'
    const unchecked = await post('/recover', { email: newEmail(), gotrue_meta_security: { captcha_token: 'x' } })
    expect(unchecked).toMatchObject({ status: 500, body: { error_code: 'unexpected_failure', msg: 'captcha verification process failed' } })
    expect((await post('/token?grant_type=refresh_token', { refresh_token: 'x' })).body.error_code).toBe('refresh_token_not_found')
  })
})
