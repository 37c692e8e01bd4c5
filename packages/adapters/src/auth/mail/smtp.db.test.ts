import { BlockList, type AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { AuthSettings } from '@polder/core'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAddressGuard } from '../../outgoing/index.ts'
import { client, expectCode, openTestAuth, password, type TestAuth } from '../testing/test-auth.ts'

let at: TestAuth
let server: SMTPServer
let port: number
let received: { from: string; to: string[]; user: string | undefined; mail: Email }[] = []
let refusal: Error | undefined

beforeAll(async () => {
  server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    onAuth({ username, password: pass }, _session, done) {
      if (username === 'mailer' && pass === 'the password') done(null, { user: username })
      else done(new Error('Invalid username or password'))
    },
    async onData(stream, session, done) {
      const bytes = await buffer(stream)
      if (refusal) return done(refusal)
      const { mailFrom, rcptTo } = session.envelope
      const from = mailFrom === false ? '' : mailFrom.address
      received.push({ from, to: rcptTo.map(({ address }) => address), user: session.user, mail: await PostalMime.parse(bytes) })
      done()
    },
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  port = (server.server.address() as AddressInfo).port
  const allowed = new BlockList()
  allowed.addSubnet('127.0.0.0', 8, 'ipv4')
  at = await openTestAuth({ guard: createAddressGuard({ allowed, ownPorts: new Set([1]) }) })
})
beforeEach(() => {
  received = []
  refusal = undefined
})
afterAll(async () => {
  await at?.[Symbol.asyncDispose]()
  await new Promise<void>((done) => server.close(() => done()))
})

const use = (settings: Partial<AuthSettings> = {}) => {
  at.reset({ smtpHost: '127.0.0.1', smtpPort: port, smtpAdminEmail: 'app@example.com', smtpSenderName: 'The “App”', ...settings })
  at.scopes.setSecrets({ smtp_pass: 'the password' })
}
const invite = (email: string, data: Record<string, unknown> = {}) =>
  at.auth.inviteUser(at.scopes.member(), { email, data, redirectTo: 'http://localhost:3000/', client })

test('a mail arrives whole: sender, recipient, subject, HTML and the same as text', async () => {
  use({ smtpUser: 'mailer', mailerSubjects: { confirmation: 'Welcome {{ .Data.name }} 👋' } })
  const email = at.newEmail()
  await at.auth.signUp(at.scopes.app(), { email, password, data: { name: 'Zoë' }, client })
  await at.auth.settle()
  const [{ from, to, user, mail } = received[0]!] = received
  expect([from, to, user]).toEqual(['app@example.com', [email], 'mailer'])
  expect(mail).toMatchObject({
    subject: 'Welcome Zoë 👋',
    from: { name: 'The “App”', address: 'app@example.com' },
    to: [{ address: email }],
  })
  const link = /href="([^"]+)"/.exec(mail.html!)![1]!.replaceAll('&amp;', '&')
  expect(mail.text).toContain(link)
  const code = /\b\d{6}\b/.exec(mail.text!.replace(link, ''))![0]
  expect((await at.verify({ type: 'signup', token: code, email })).kind).toBe('session')
  expect(await at.inboxOf(email)).toEqual([])
})

test('nothing that a user says of themselves becomes a header, a recipient or HTML', async () => {
  const name = 'x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script>'
  use({ mailerSubjects: { invite: 'For {{ .Data.name }}' }, mailerTemplates: { invite: '<p>{{ .Data.name }}</p>' } })
  const email = `"a,b\\"@example.com`
  await expectCode(invite(email), 'auth.email_invalid')
  await invite(at.newEmail(), { name })
  const [{ to, mail } = received[0]!] = received
  expect(to).toHaveLength(1)
  expect(mail.headers.map(({ key }) => key)).not.toContain('bcc')
  expect(mail.subject).toBe('For x Bcc: evil@example.com <script>alert(1)</script>')
  expect(mail.html).toContain('&lt;script&gt;')
})

test('a mail that the server does not take lies in the inbox with its words, and the next may follow at once', async () => {
  use({ smtpMaxFrequency: 60 })
  refusal = Object.assign(new Error('Mailbox is full'), { responseCode: 552 })
  const email = at.newEmail()
  const refused = await invite(email).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'auth.mail_failed',
    message: 'Error sending invite email',
    details: { failure: '552 Mailbox is full' },
  })
  expect(await at.inboxOf(email)).toMatchObject([{ kind: 'invite', failure: '552 Mailbox is full' }])
  expect((await at.auth.listUsers(at.scopes.member(), { page: 1, perPage: 1, search: email })).total).toBe(0)
  refusal = undefined
  await invite(email)
  expect(received).toHaveLength(1)
})

test('a test mail tells what is wrong with the settings, and never the password', async () => {
  const failureOf = async (settings: Partial<AuthSettings>, secret = 'wrong one') => {
    use(settings)
    at.scopes.setSecrets({ smtp_pass: secret })
    const error = await at.auth.sendTestMail(at.scopes.member(), 'me@example.com').catch((refused: unknown) => refused)
    expect(JSON.stringify(error)).not.toContain(secret)
    return (error as { details: { failure: string } }).details.failure
  }
  expect(await failureOf({ smtpUser: 'mailer' })).toMatch(/535|Invalid/)
  expect(await failureOf({ smtpPort: 1 })).toBeTruthy()
  expect(await failureOf({ smtpAdminEmail: '' })).toContain('smtpAdminEmail')
  expect(await failureOf({ smtpHost: '10.0.0.1' })).toBeTruthy()
  expect(await failureOf({ smtpHost: 'no.such.host.invalid' })).toBeTruthy()
  use({ smtpUser: 'mailer' })
  await at.auth.sendTestMail(at.scopes.member(), 'me@example.com')
  expect(received.map(({ mail }) => mail.subject)).toEqual(['Test mail of Test'])
})

test('so many mails an hour, of the whole project', async () => {
  use({ rateLimitEmailSent: 0 })
  const refused = await invite(at.newEmail()).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'auth.mail_rate_limited', details: { retryAfterSeconds: expect.any(Number) } })
  expect(received).toEqual([])
})
