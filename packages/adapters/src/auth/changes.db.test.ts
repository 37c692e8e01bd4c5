import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { client, expectCode, openTestAuth, password, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth

beforeAll(async () => void (at = await openTestAuth()))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

const redirectTo = 'http://localhost:3000/'
const update = (accessToken: string, input: object) =>
  at.auth.updateUser(at.scopes.withToken(accessToken), { redirectTo, client, ...input })
const userOf = (accessToken: string) => at.auth.getUser(at.scopes.withToken(accessToken))
const mailsTo = async (address: string, kind: string) => (await at.inboxOf(address)).filter((mail) => mail.kind === kind)

describe('a change of address', () => {
  test('waits until both sides have agreed, in whichever order', async () => {
    for (const isNewFirst of [true, false]) {
      const { email, accessToken } = await at.addUser()
      const newEmail = at.newEmail()
      expect(await update(accessToken, { email: newEmail })).toMatchObject({ email, newEmail, emailChangeSentAt: expect.any(Date) })
      const [toNew] = await mailsTo(newEmail, 'email_change')
      const [toOld] = await mailsTo(email, 'email_change')
      expect([toNew!.type, toOld!.type]).toEqual(['email_change', 'email_change'])
      const [first, second] = isNewFirst ? [toNew!, toOld!] : [toOld!, toNew!]
      expect((await at.verify({ type: 'email_change', tokenHash: first.token })).kind).toBe('accepted')
      expect((await userOf(accessToken)).email).toBe(email)
      await expectCode(at.verify({ type: 'email_change', tokenHash: first.token }), 'auth.otp_expired')
      const outcome = await at.verify({ type: 'email_change', token: second.code, email: second.recipient })
      expect(outcome).toMatchObject({ kind: 'session', session: { user: { email: newEmail, newEmail: null } } })
      expect(await userOf(accessToken)).toMatchObject({
        email: newEmail,
        identities: [{ email: newEmail, data: { email: newEmail, email_verified: true } }],
      })
      await at.auth.signIn(at.scopes.app(), { email: newEmail, password, client })
      await expectCode(at.auth.signIn(at.scopes.app(), { email, password, client }), 'auth.invalid_credentials')
    }
  })

  test('needs the new side alone where the project wants no more', async () => {
    at.reset({ mailerSecureEmailChangeEnabled: false })
    const { email, accessToken } = await at.addUser()
    const newEmail = at.newEmail()
    await update(accessToken, { email: newEmail })
    expect(await mailsTo(email, 'email_change')).toEqual([])
    const [mail] = await mailsTo(newEmail, 'email_change')
    expect(await at.verify({ type: 'email_change', tokenHash: mail!.token })).toMatchObject({
      kind: 'session',
      session: { user: { email: newEmail } },
    })
  })

  test('is asked for again by mail, and ends with the next one', async () => {
    const { email, accessToken } = await at.addUser()
    const [one, two] = [at.newEmail(), at.newEmail()]
    await update(accessToken, { email: one })
    at.auth.resend(at.scopes.app(), { type: 'email_change', email, phone: '', redirectTo, client })
    expect(await mailsTo(one, 'email_change')).toHaveLength(2)
    await update(accessToken, { email: two })
    const [old] = await mailsTo(one, 'email_change')
    await expectCode(at.verify({ type: 'email_change', tokenHash: old!.token }), 'auth.otp_expired')
  })

  test('goes to nobody’s address: whoever was faster keeps it', async () => {
    at.reset({ mailerSecureEmailChangeEnabled: false })
    const { accessToken } = await at.addUser()
    const newEmail = at.newEmail()
    await update(accessToken, { email: newEmail })
    const [mail] = await mailsTo(newEmail, 'email_change')
    await at.addUser({ email: newEmail })
    await expectCode(at.verify({ type: 'email_change', tokenHash: mail!.token }), 'auth.email_exists')
  })

  test('is told to the old address, where the project wants that', async () => {
    at.reset({ mailerSecureEmailChangeEnabled: false, mailerNotificationsEmailChangedEnabled: true })
    const { email, accessToken } = await at.addUser()
    const newEmail = at.newEmail()
    await update(accessToken, { email: newEmail })
    await at.verify({ type: 'email_change', tokenHash: (await mailsTo(newEmail, 'email_change'))[0]!.token })
    const [told] = await mailsTo(email, 'email_changed_notification')
    expect(told!.content).toContain(newEmail)
  })
})

describe('a change of number', () => {
  test('waits for the code that the new number gets', async () => {
    const { accessToken } = await at.addUser()
    const phone = at.newPhone()
    expect(await update(accessToken, { phone: `+${phone}` })).toMatchObject({ phone: null, newPhone: phone })
    const [message] = await at.inboxOf(`+${phone}`)
    expect(message).toMatchObject({ channel: 'sms', code: expect.stringMatching(/^\d{6}$/) })
    await expectCode(at.verify({ type: 'sms', token: message!.code, phone }), 'auth.otp_expired')
    const outcome = await at.verify({ type: 'phone_change', token: message!.code, phone: `+${phone}` })
    expect(outcome).toMatchObject({ kind: 'session', session: { user: { phone, newPhone: null, phoneConfirmedAt: expect.any(Date) } } })
    await at.auth.signIn(at.scopes.app(), { phone, password, client })
  })

  test('is believed at once where numbers are', async () => {
    at.reset({ smsAutoconfirm: true })
    const { accessToken } = await at.addUser()
    const phone = at.newPhone()
    expect(await update(accessToken, { phone })).toMatchObject({ phone, newPhone: null, appMetadata: { providers: ['email', 'phone'] } })
    const { accessToken: other } = await at.addUser()
    await expectCode(update(other, { phone }), 'auth.phone_exists')
    await expectCode(update(other, { phone: '0' }), 'auth.phone_invalid')
  })

  test('of an unknown number is refused as a wrong code is', async () => {
    await expectCode(at.verify({ type: 'phone_change', token: '123456', phone: '31600000001' }), 'auth.otp_expired')
    await expectCode(at.verify({ type: 'phone_change', token: '123456', phone: 'x' }), 'auth.phone_invalid')
  })
})

describe('a new password', () => {
  const growOld = (email: string) =>
    at.project.runAsOwner(
      `update auth.sessions set created_at = now() - interval '25 hours' where user_id = (select id from auth.users where email = '${email}')`,
    )

  test('needs the code that was mailed once the sign-in is a day old', async () => {
    at.reset({ securityUpdatePasswordRequireReauthentication: true })
    const { email, accessToken } = await at.addUser()
    await update(accessToken, { password: 'fresh enough' })
    await growOld(email)
    await expectCode(update(accessToken, { password: 'another one' }), 'auth.reauthentication_needed')
    expect(await at.auth.reauthenticate(at.scopes.withToken(accessToken), { client })).toBe('')
    const [mail] = await mailsTo(email, 'reauthentication')
    const nonce = mail!.code
    await expectCode(
      update(accessToken, { password: 'another one', nonce: nonce === '000000' ? '1' : '000000' }),
      'auth.reauthentication_invalid',
    )
    await update(accessToken, { password: 'another one', nonce })
    await expectCode(update(accessToken, { password: 'a third one', nonce }), 'auth.reauthentication_invalid')
  })

  test('the code goes to the number of whoever has no address', async () => {
    at.reset({ securityUpdatePasswordRequireReauthentication: true, smsAutoconfirm: true })
    const phone = at.newPhone()
    const { session } = await at.auth.signUp(at.scopes.app(), { phone, password, client })
    await at.auth.reauthenticate(at.scopes.withToken(session!.accessToken), { client })
    const [message] = await at.inboxOf(`+${phone}`)
    await at.project.runAsOwner(`update auth.sessions set created_at = now() - interval '25 hours'`)
    await update(session!.accessToken, { password: 'another one', nonce: message!.code })
  })

  test('needs the one before, where the project wants that', async () => {
    at.reset({ securityUpdatePasswordRequireCurrentPassword: true })
    const { email, accessToken } = await at.addUser()
    await expectCode(update(accessToken, { password: 'another one' }), 'auth.current_password_required')
    await expectCode(update(accessToken, { password: 'another one', currentPassword: 'x' }), 'auth.current_password_wrong')
    await update(accessToken, { password: 'another one', currentPassword: password })
    // one who came by a link has forgotten it
    at.auth.recover(at.scopes.app(), { email, redirectTo, client })
    const [mail] = await mailsTo(email, 'recovery')
    const outcome = await at.verify({ type: 'recovery', tokenHash: mail!.token })
    if (outcome.kind !== 'session') throw new Error('no session')
    await update(outcome.session.accessToken, { password: 'a third one' })
  })

  test('is as strong as the project wants, in GoTrue’s words', async () => {
    const { accessToken } = await at.addUser()
    at.reset({ passwordMinLength: 10, passwordRequiredCharacters: ['abcdefghijklmnopqrstuvwxyz', '0123456789'] })
    const refused = await update(accessToken, { password: 'ABC' }).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'auth.weak_password',
      message:
        'Password should be at least 10 characters. Password should contain at least one character of each: abcdefghijklmnopqrstuvwxyz, 0123456789.',
      details: { reasons: ['length', 'characters'] },
    })
    await update(accessToken, { password: 'abcdefghi1' })
  })

  test('is told to the user, where the project wants that', async () => {
    at.reset({ mailerNotificationsPasswordChangedEnabled: true })
    const { email, accessToken } = await at.addUser()
    await update(accessToken, { password: 'another one' })
    expect(await mailsTo(email, 'password_changed_notification')).toHaveLength(1)
  })
})

describe('an anonymous user', () => {
  const begin = async () => {
    const session = await at.auth.signUpAnonymously(at.scopes.app(), { data: { theme: 'dark' }, client })
    expect(session.user).toMatchObject({ isAnonymous: true, email: null, userMetadata: { theme: 'dark' }, identities: [] })
    expect(at.scopes.tokens.verify(session.accessToken)).toMatchObject({
      is_anonymous: true,
      role: 'authenticated',
      amr: [{ method: 'anonymous' }],
    })
    return session
  }

  test('becomes somebody by an address that they prove, and keeps the id', async () => {
    at.reset({ externalAnonymousUsersEnabled: true })
    const { accessToken, user, refreshToken } = await begin()
    await expectCode(update(accessToken, { password: 'correct horse' }), 'auth.password_needs_address')
    const email = at.newEmail()
    expect(await update(accessToken, { email, password })).toMatchObject({ isAnonymous: true, newEmail: email })
    const [mail] = await mailsTo(email, 'email_change')
    const outcome = await at.verify({ type: 'email_change', tokenHash: mail!.token })
    expect(outcome).toMatchObject({
      kind: 'session',
      session: { user: { id: user.id, email, isAnonymous: false, appMetadata: { provider: 'email' } } },
    })
    await at.auth.signIn(at.scopes.app(), { email, password, client })
    const refreshed = await at.auth.refreshSession(at.scopes.app(), { refreshToken, client })
    expect(at.scopes.tokens.verify(refreshed.accessToken)).toMatchObject({ is_anonymous: false, email })
  })

  test('or at once, where the project confirms addresses and numbers by itself', async () => {
    at.reset({ externalAnonymousUsersEnabled: true, mailerAutoconfirm: true, smsAutoconfirm: true })
    const [one, two] = [await begin(), await begin()]
    const [email, phone] = [at.newEmail(), at.newPhone()]
    expect(await update(one.accessToken, { email })).toMatchObject({ email, isAnonymous: false, identities: [{ provider: 'email' }] })
    expect(await update(two.accessToken, { phone })).toMatchObject({ phone, isAnonymous: false, identities: [{ provider: 'phone' }] })
    await expectCode(update(two.accessToken, { email }), 'auth.email_exists')
  })

  test('is nobody where sign-ups are closed', async () => {
    at.reset({ externalAnonymousUsersEnabled: true, disableSignup: true })
    await expectCode(at.auth.signUpAnonymously(at.scopes.app(), { client }), 'auth.signup_disabled')
  })
})
