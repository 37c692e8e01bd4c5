import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { client, codeOf, expectCode, openTestAuth, password, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth
const redirectTo = 'http://localhost:3000/welcome'

beforeAll(async () => void (at = await openTestAuth()))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

const signUp = (email: string) => at.auth.signUp(at.scopes.app(), { email, password, redirectTo, client })
const signIn = (email: string, secret = password) => at.auth.signIn(at.scopes.app(), { email, password: secret, client })
const recover = (email: string) => at.auth.recover(at.scopes.app(), { email, redirectTo, client })
const requestOtp = (email: string, mayCreate = true) => at.auth.requestEmailOtp(at.scopes.app(), { email, mayCreate, redirectTo, client })
const resend = (type: string, address: { email?: string; phone?: string }) =>
  at.auth.resend(at.scopes.app(), { type, email: '', phone: '', redirectTo, client, ...address })
const sessionOf = async (work: ReturnType<TestAuth['verify']>) => {
  const outcome = await work
  if (outcome.kind !== 'session') throw new Error('no session')
  return outcome.session
}

describe('signing up', () => {
  test('is confirmed by the mail’s code or by the token of its link, once', async () => {
    for (const by of ['code', 'token_hash'] as const) {
      const email = at.newEmail()
      const { user, session } = await signUp(email)
      expect(session).toBeNull()
      expect(user.confirmationSentAt).toBeInstanceOf(Date)
      const [mail] = await at.inboxOf(email)
      expect(mail).toMatchObject({ kind: 'confirmation', type: 'signup', redirectTo, code: expect.stringMatching(/^\d{6}$/) })
      const proof = by === 'code' ? { type: 'signup', token: mail!.code, email } : { type: 'signup', tokenHash: mail!.token }
      const confirmed = await sessionOf(at.verify(proof))
      expect(confirmed.user).toMatchObject({ email, emailConfirmedAt: expect.any(Date), userMetadata: { email_verified: true } })
      expect(confirmed.user.identities[0]?.data).toMatchObject({ email_verified: true })
      expect(at.methodsOf(confirmed.accessToken)).toEqual(['otp'])
      await expectCode(at.verify(proof), 'auth.otp_expired')
      await signIn(email)
    }
  })

  test('can be asked to be confirmed again; the mail before is worth nothing then', async () => {
    const email = at.newEmail()
    await signUp(email)
    resend('signup', { email })
    const [second, first] = await at.inboxOf(email)
    await expectCode(at.verify({ type: 'signup', token: first!.code, email }), 'auth.otp_expired')
    await sessionOf(at.verify({ type: 'email', token: second!.code, email }))
    resend('signup', { email })
    expect(await at.inboxOf(email)).toHaveLength(2)
  })

  test('nobody sets a password for an address that another one then confirms', async () => {
    const email = at.newEmail()
    await at.auth.signUp(at.scopes.app(), { email, password: 'the attacker’s', client })
    await requestOtp(email)
    const mail = (await at.inboxOf(email)).find(({ kind }) => kind === 'magic_link')
    expect((await sessionOf(at.verify({ type: 'magiclink', tokenHash: mail!.token }))).user.emailConfirmedAt).toBeInstanceOf(Date)
    await expectCode(signIn(email, 'the attacker’s'), 'auth.invalid_credentials')
  })
})

describe('a code', () => {
  const proofOf = async () => {
    const { email } = await at.addUser()
    await requestOtp(email)
    return { email, mail: (await at.inboxOf(email))[0]! }
  }

  test('is worth nothing once it is too old, for another address, for another purpose, or wrong', async () => {
    const { email, mail } = await proofOf()
    const { email: other } = await at.addUser()
    const wrong = mail.code === '000000' ? '000001' : '000000'
    for (const proof of [
      { type: 'magiclink', token: wrong, email },
      { type: 'magiclink', token: mail.code, email: other },
      { type: 'signup', token: mail.code, email },
      { type: 'email_change', token: mail.code, email },
      { type: 'signup', tokenHash: mail.token },
      { type: 'magiclink', tokenHash: `pkce_${mail.token}` },
      { type: 'magiclink', tokenHash: mail.token.slice(1) },
      { type: 'email', token: mail.code, email: 'nobody@example.com' },
    ]) {
      expect(await codeOf(at.verify(proof)), JSON.stringify(proof)).toBe('auth.otp_expired')
    }
    await at.project.runAsOwner(`update auth.users set recovery_sent_at = now() - interval '3601 seconds' where email = '${email}'`)
    await expectCode(at.verify({ type: 'magiclink', token: mail.code, email }), 'auth.otp_expired')
    at.reset({ mailerOtpExp: 7_200 })
    await sessionOf(at.verify({ type: 'magiclink', token: mail.code, email }))
  })

  test('is believed once, of however many who come with it at once', async () => {
    const { email, mail } = await proofOf()
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => codeOf(at.verify({ type: 'email', token: mail.code, email }))))
    expect(outcomes.toSorted()).toEqual([...Array<string>(11).fill('auth.otp_expired'), 'done'])
  })

  test('goes with the address that it was sent to', async () => {
    const { email, mail } = await proofOf()
    const { users } = await at.auth.listUsers(at.scopes.member(), { page: 1, perPage: 1, search: email })
    const moved = at.newEmail()
    await at.auth.updateUserById(at.scopes.member(), users[0]!.id, { email: moved })
    for (const proof of [{ tokenHash: mail.token }, { token: mail.code, email }, { token: mail.code, email: moved }]) {
      await expectCode(at.verify({ type: 'magiclink', ...proof }), 'auth.otp_expired')
    }
  })

  test('is of no use to a user who is banned or gone', async () => {
    const { email, mail } = await proofOf()
    const { users } = await at.auth.listUsers(at.scopes.member(), { page: 1, perPage: 1, search: email })
    const userId = users[0]!.id
    await at.auth.updateUserById(at.scopes.member(), userId, { banSeconds: 60 })
    await expectCode(at.verify({ type: 'magiclink', tokenHash: mail.token }), 'auth.token_user_banned')
    await at.auth.updateUserById(at.scopes.member(), userId, { banSeconds: null })
    await at.auth.deleteUser(at.scopes.member(), { userId, isSoft: true })
    await expectCode(at.verify({ type: 'magiclink', tokenHash: mail.token }), 'auth.otp_expired')
  })

  test('is as long as the project wants, and stored as a hash alone', async () => {
    at.reset({ mailerOtpLength: 10 })
    const { mail } = await proofOf()
    expect(mail.code).toMatch(/^\d{10}$/)
    const { rows } = await at.project.runAsOwner('select u::text from auth.users u union all select t::text from auth.one_time_tokens t')
    expect(JSON.stringify(rows)).not.toContain(mail.code)
    expect(JSON.stringify(rows)).toContain(mail.token)
  })

  test('what is no proof at all', async () => {
    const whole = { type: 'email', token: '123456', email: 'a@example.com' }
    for (const input of [
      {},
      { ...whole, type: '' },
      { ...whole, type: 'x' },
      { ...whole, type: '__proto__' },
      { ...whole, token: '' },
      { ...whole, email: '' },
      { ...whole, phone: '31612345678' },
      { ...whole, tokenHash: 'x' },
      { type: 'email', tokenHash: 'x', redirectTo: 'y' },
      { type: 'sms', tokenHash: 'x' },
    ]) {
      expect(await codeOf(at.verify(input)), JSON.stringify(input)).toBe('auth.validation_failed')
    }
    await expectCode(at.verify({ ...whole, email: 'none' }), 'auth.email_invalid')
    await expectCode(at.verify({ type: 'email', tokenHash: '\0' }), 'auth.otp_expired')
    await expectCode(at.verify({ type: 'email', token: '\0\ud800', email: 'a@example.com' }), 'auth.otp_expired')
  })
})

describe('a magic link', () => {
  test('adds whoever is not there yet, where that is wanted and sign-ups are open', async () => {
    const email = at.newEmail()
    await requestOtp(email)
    const [mail] = await at.inboxOf(email)
    expect(mail).toMatchObject({ kind: 'confirmation', type: 'signup' })
    await sessionOf(at.verify({ type: 'email', token: mail!.code, email }))
    await expectCode(requestOtp(at.newEmail(), false), 'auth.otp_disabled')
    at.reset({ disableSignup: true })
    await expectCode(requestOtp(at.newEmail()), 'auth.signup_disabled')
    await requestOtp(email)
    expect((await at.inboxOf(email))[0]).toMatchObject({ kind: 'magic_link', type: 'magiclink' })
  })

  test('of many who ask for one new address at once all go on with the same user', async () => {
    const email = at.newEmail()
    await Promise.all(Array.from({ length: 8 }, () => requestOtp(email)))
    await at.auth.settle()
    expect((await at.auth.listUsers(at.scopes.member(), { page: 1, perPage: 10, search: email })).total).toBe(1)
  })

  test('can be switched off', async () => {
    at.reset({ externalEmailMagicLinkEnabled: false })
    await expectCode(requestOtp(at.newEmail()), 'auth.email_logins_disabled')
  })
})

describe('a forgotten password', () => {
  test('the link signs in, and then another one can be chosen', async () => {
    const { email } = await at.addUser()
    recover(email.toUpperCase())
    const [mail] = await at.inboxOf(email)
    expect(mail).toMatchObject({ kind: 'recovery', type: 'recovery', redirectTo })
    const session = await sessionOf(at.verify({ type: 'recovery', tokenHash: mail!.token }))
    await at.auth.updateUser(at.scopes.withToken(session.accessToken), { password: 'another one', client })
    await expectCode(signIn(email), 'auth.invalid_credentials')
    await signIn(email, 'another one')
  })

  test('a new password makes links worthless that were mailed before', async () => {
    const { email, accessToken } = await at.addUser()
    recover(email)
    const [mail] = await at.inboxOf(email)
    await at.auth.updateUser(at.scopes.withToken(accessToken), { password: 'another one', client })
    await expectCode(at.verify({ type: 'recovery', tokenHash: mail!.token }), 'auth.otp_expired')
  })

  test('nobody learns who exists: the same answer, and mail only to who does', async () => {
    const before = (await at.inboxOf('')).length
    expect(recover('nobody@example.com')).toBeUndefined()
    for (const type of ['signup', 'email_change']) expect(resend(type, { email: 'nobody@example.com' })).toBeUndefined()
    for (const type of ['sms', 'phone_change']) expect(resend(type, { phone: '31600000000' })).toBeUndefined()
    expect((await at.inboxOf('')).length).toBe(before)
    at.reset({ smtpMaxFrequency: 60 })
    const { email } = await at.addUser()
    for (const address of [email, 'nobody.else@example.com']) {
      recover(address)
      expect(() => recover(address), address).toThrow(/only request this after \d+ seconds/)
    }
  })
})

describe('an invitation', () => {
  test('lets a user in, who has no password yet; one who is in is not invited', async () => {
    const email = at.newEmail()
    const invite = () => at.auth.inviteUser(at.scopes.member(), { email, data: { team: 'red' }, redirectTo, client })
    const user = await invite()
    expect(user).toMatchObject({ email, invitedAt: expect.any(Date), emailConfirmedAt: null, userMetadata: { team: 'red' } })
    expect((await invite()).id).toBe(user.id)
    const [mail] = await at.inboxOf(email)
    expect(mail).toMatchObject({ kind: 'invite', type: 'invite' })
    expect((await sessionOf(at.verify({ type: 'invite', tokenHash: mail!.token }))).user.id).toBe(user.id)
    await expectCode(invite(), 'auth.email_exists')
  })

  test('is for administrators alone', async () => {
    const input = { email: at.newEmail(), redirectTo, client }
    await expectCode(at.auth.inviteUser(at.scopes.app(), input), 'auth.not_admin')
  })
})

describe('a link that nobody mails', () => {
  const make = (type: string, email: string, more: object = {}) =>
    at.auth.generateLink(at.scopes.app('service_role'), { type, email, newEmail: '', password: '', redirectTo, client, ...more })

  test('of every type does what the mailed one does', async () => {
    const { email } = await at.addUser()
    for (const type of ['magiclink', 'recovery']) {
      const link = await make(type, email)
      expect(Object.fromEntries(new URL(link.actionLink).searchParams)).toEqual({ token: link.hashedToken, type, redirect_to: redirectTo })
      expect((await sessionOf(at.verify({ type, tokenHash: link.hashedToken }))).user.email).toBe(email)
      await sessionOf(at.verify({ type, token: (await make(type, email)).emailOtp, email }))
    }
    const fresh = at.newEmail()
    const signedUp = await make('signup', fresh, { password, data: { a: 1 } })
    expect(signedUp.user).toMatchObject({ email: fresh, userMetadata: { a: 1 }, emailConfirmedAt: null })
    await sessionOf(at.verify({ type: 'signup', tokenHash: signedUp.hashedToken }))
    await signIn(fresh)
    const invited = await make('invite', at.newEmail())
    expect(invited.user.invitedAt).toBeInstanceOf(Date)
    await sessionOf(at.verify({ type: 'invite', tokenHash: invited.hashedToken }))
    const newEmail = at.newEmail()
    const [current, next] = [await make('email_change_current', email, { newEmail }), await make('email_change_new', email, { newEmail })]
    expect([current.user.newEmail, new URL(current.actionLink).searchParams.get('type')]).toEqual([newEmail, 'email_change'])
    expect((await at.verify({ type: 'email_change', tokenHash: current.hashedToken })).kind).toBe('accepted')
    expect((await sessionOf(at.verify({ type: 'email_change', tokenHash: next.hashedToken }))).user.email).toBe(newEmail)
    expect((await at.inboxOf('')).filter(({ recipient }) => [fresh, newEmail].includes(recipient))).toEqual([])
  })

  test('a magic link for nobody is a sign-up, and what cannot be is refused', async () => {
    expect((await make('magiclink', at.newEmail())).verificationType).toBe('signup')
    const { email } = await at.addUser()
    const { email: taken } = await at.addUser()
    await expectCode(make('recovery', at.newEmail()), 'auth.user_not_found')
    await expectCode(make('signup', at.newEmail()), 'auth.validation_failed')
    await expectCode(make('signup', at.newEmail(), { password: 'short' }), 'auth.weak_password')
    await expectCode(make('signup', email, { password }), 'auth.email_exists')
    await expectCode(make('invite', email), 'auth.email_exists')
    await expectCode(make('email_change_new', email, { newEmail: taken }), 'auth.email_exists')
    await expectCode(make('email_change_new', email), 'auth.validation_failed')
    await expectCode(make('x', email), 'auth.validation_failed')
    at.reset({ mailerSecureEmailChangeEnabled: false })
    await expectCode(make('email_change_current', email, { newEmail: at.newEmail() }), 'auth.validation_failed')
  })
})
