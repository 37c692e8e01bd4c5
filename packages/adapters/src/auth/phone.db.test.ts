import { createServer, type IncomingMessage, type Server } from 'node:http'
import { BlockList, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AuthSettings } from '@polder/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAddressGuard, createOutgoingClient, type OutgoingClient } from '../outgoing/index.ts'
import { client, codeOf, expectCode, openTestAuth, password, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth
let provider: Server
let outgoing: OutgoingClient
let url: string
/** What the provider was asked, and what it answers. */
let asked: { request: IncomingMessage; form: URLSearchParams }[] = []
let answer: { status: number; body: unknown }

beforeAll(async () => {
  provider = createServer(async (request, response) => {
    asked.push({ request, form: new URLSearchParams(await text(request)) })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done))
  const { port } = provider.address() as AddressInfo
  url = `http://127.0.0.1:${port}`
  const allowed = new BlockList()
  allowed.addSubnet('127.0.0.0', 8, 'ipv4')
  outgoing = createOutgoingClient({ guard: createAddressGuard({ allowed }), ports: [port] })
  at = await openTestAuth({ outgoing })
})
beforeEach(() => {
  at.reset()
  asked = []
  answer = { status: 201, body: { sid: 'SM123', status: 'queued' } }
})
afterAll(async () => {
  await at?.[Symbol.asyncDispose]()
  await outgoing?.[Symbol.asyncDispose]()
  provider?.close()
})

const useTwilio = (settings: Partial<AuthSettings> = {}) => {
  at.reset({ smsProvider: 'twilio', smsTwilioUrl: url, smsTwilioAccountSid: 'AC1', smsTwilioMessageServiceSid: 'MG1', ...settings })
  at.scopes.setSecrets({ sms_twilio_auth_token: 'the token' })
}
const request = (phone: string, input: object = {}) =>
  at.auth.requestPhoneOtp(at.scopes.app(), { phone, channel: '', mayCreate: true, client, ...input })
const signUp = (phone: string, channel = '') => at.auth.signUp(at.scopes.app(), { phone, password, channel, client })

describe('a number', () => {
  test('signs up by the code that it gets, and in by password or by another code', async () => {
    const phone = at.newPhone()
    expect((await signUp(`+${phone}`)).session).toBeNull()
    await expectCode(at.auth.signIn(at.scopes.app(), { phone, password, client }), 'auth.phone_not_confirmed')
    const [message] = await at.inboxOf(`+${phone}`)
    expect(message).toMatchObject({ channel: 'sms', content: `Your code is ${message!.code}` })
    const outcome = await at.verify({ type: 'sms', token: message!.code, phone })
    expect(outcome).toMatchObject({
      kind: 'session',
      session: { user: { phone, email: null, appMetadata: { provider: 'phone', providers: ['phone'] } } },
    })
    await at.auth.signIn(at.scopes.app(), { phone: `+${phone}`, password, client })
    await request(phone)
    await at.verify({ type: 'sms', token: (await at.inboxOf(`+${phone}`))[0]!.code, phone: `+${phone}` })
  })

  test('that nobody has is added with the code, or refused', async () => {
    const phone = at.newPhone()
    await expectCode(request(phone, { mayCreate: false }), 'auth.otp_disabled')
    await request(phone)
    await at.verify({ type: 'sms', token: (await at.inboxOf(`+${phone}`))[0]!.code, phone })
    at.reset({ externalPhoneEnabled: false })
    await expectCode(request(phone), 'auth.phone_disabled')
    await expectCode(signUp(at.newPhone()), 'auth.phone_disabled')
    await expectCode(at.auth.signIn(at.scopes.app(), { phone, password, client }), 'auth.phone_logins_disabled')
  })

  test.each(['', 'x', '+', '0123456', '+0123', '1'.repeat(16), '١٢٣٤٥٦٧', '1 2-3', '\0'])('%j is none', async (phone) => {
    await expectCode(request(phone), 'auth.phone_invalid')
    await expectCode(at.verify({ type: 'sms', token: '123456', phone: phone || 'y' }), 'auth.phone_invalid')
  })

  test('a code lasts as long as the project says, and one has to wait for the next', async () => {
    at.reset({ smsMaxFrequency: 60, smsOtpExp: 30, smsOtpLength: 8 })
    const phone = at.newPhone()
    await request(phone)
    const [message] = await at.inboxOf(`+${phone}`)
    expect(message!.code).toMatch(/^\d{8}$/)
    await expectCode(request(phone), 'auth.sms_sent_recently')
    await at.project.runAsOwner(`update auth.users set confirmation_sent_at = now() - interval '31 seconds' where phone = '${phone}'`)
    await expectCode(at.verify({ type: 'sms', token: message!.code, phone }), 'auth.otp_expired')
  })

  test('for tests gets nothing, and its code always works while that is so', async () => {
    const [phone, other] = [at.newPhone(), at.newPhone()]
    useTwilio({ smsTestOtp: { [`+${phone}`]: '4242' } })
    expect(await request(phone)).toBe('test-otp')
    for (let times = 0; times < 2; times += 1) await at.verify({ type: 'sms', token: '4242', phone })
    expect(asked).toEqual([])
    await request(other)
    await expectCode(at.verify({ type: 'sms', token: '4242', phone: other }), 'auth.otp_expired')
    useTwilio({ smsTestOtp: { [phone]: '4242' }, smsTestOtpValidUntil: new Date(Date.now() - 1).toISOString() })
    await request(phone)
    expect(asked).toHaveLength(2)
  })
})

describe('a provider as Twilio', () => {
  test('is asked as Twilio is, and its id of the message comes back', async () => {
    useTwilio({ smsTemplate: 'Code {{ .Code }} of ours' })
    const phone = at.newPhone()
    expect(await request(phone)).toBe('SM123')
    const { request: sent, form } = asked[0]!
    expect([sent.method, sent.url]).toEqual(['POST', '/2010-04-01/Accounts/AC1/Messages.json'])
    expect(sent.headers.authorization).toBe(`Basic ${Buffer.from('AC1:the token').toString('base64')}`)
    expect(Object.fromEntries(form)).toEqual({
      To: `+${phone}`,
      Channel: 'sms',
      From: 'MG1',
      Body: expect.stringMatching(/^Code \d{6} of ours$/),
    })
    await at.verify({ type: 'sms', token: form.get('Body')!.slice(5, 11), phone })
    expect(await at.inboxOf(phone)).toEqual([])
  })

  test('reaches WhatsApp, where it is asked for', async () => {
    useTwilio({ smsTwilioContentSid: 'HX1' })
    const phone = at.newPhone()
    await request(phone, { channel: 'whatsapp' })
    expect(Object.fromEntries(asked[0]!.form)).toMatchObject({
      To: `whatsapp:+${phone}`,
      ContentSid: 'HX1',
      ContentVariables: expect.stringMatching(/^\{"1":"\d{6}"\}$/),
    })
    at.reset()
    await expectCode(request(phone, { channel: 'whatsapp' }), 'auth.validation_failed')
    await expectCode(request(phone, { channel: 'pigeon' }), 'auth.validation_failed')
  })

  test('that refuses, or that is not set up, sends nothing: who was new stays unknown, and the next try may come at once', async () => {
    const phone = at.newPhone()
    useTwilio()
    answer = { status: 400, body: { code: 21_211, message: 'Invalid To number' } }
    const refused = await request(phone).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'auth.sms_failed', message: 'Error sending confirmation OTP to provider: Invalid To number' })
    answer = { status: 201, body: { status: 'failed', error_message: 'unreachable' } }
    expect(await codeOf(signUp(phone))).toBe('auth.sms_failed')
    useTwilio({ smsTwilioAccountSid: '' })
    await expectCode(request(phone), 'auth.sms_unconfigured')
    expect((await at.auth.listUsers(at.scopes.member(), { page: 1, perPage: 1, search: phone })).total).toBe(0)
    answer = { status: 201, body: {} }
    useTwilio({ smsMaxFrequency: 60 })
    expect(await request(phone)).toBe('')
  })

  test('is not reached where the operator does not allow it', async () => {
    useTwilio({ smsTwilioUrl: 'http://169.254.169.254' })
    await expectCode(request(at.newPhone()), 'auth.sms_failed')
  })

  test('gets so many messages an hour', async () => {
    useTwilio({ rateLimitSmsSent: 0 })
    const refused = await request(at.newPhone()).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'auth.sms_rate_limited', details: { retryAfterSeconds: expect.any(Number) } })
    expect(asked).toEqual([])
  })
})
