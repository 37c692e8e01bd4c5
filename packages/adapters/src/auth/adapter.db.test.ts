import { isServiceError, userSchema, type ErrorCode } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAuthAdapter } from './adapter.ts'
import { openTestScopes, type TestScopes } from './testing/test-scopes.ts'

let cluster: TestCluster
let project: TestProject
let scopes: TestScopes
const auth = createAuthAdapter()
const client = { ip: '127.0.0.1', userAgent: 'test' }
const password = 'correct horse'
let count = 0
const newEmail = () => `user-${(count += 1)}@example.com`

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  scopes = openTestScopes(cluster, project)
})
beforeEach(() => scopes.reset())
afterAll(async () => {
  await scopes?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

const signUp = async (email = newEmail()) => {
  const { user, session } = await auth.signUp(scopes.app(), { email, password, client })
  return { email, user, session: session! }
}
const signIn = (email: string, secret = password) => auth.signIn(scopes.app(), { email, password: secret, client })
const refresh = (refreshToken: string) => auth.refreshSession(scopes.app(), { refreshToken, client })
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (isServiceError(error) ? error.code : String(error)),
  )
const expectCode = async (work: Promise<unknown>, code: ErrorCode) => expect(await codeOf(work)).toBe(code)

describe('signing up', () => {
  test('adds a confirmed user with an identity, and signs them in', async () => {
    const { user, session } = await auth.signUp(scopes.app(), { email: 'New.One@Example.com', password, data: { name: 'Ada' }, client })
    expect(userSchema.parse(user)).toMatchObject({ email: 'new.one@example.com', userMetadata: { name: 'Ada', email_verified: true } })
    expect(user).toMatchObject({ role: 'authenticated', audience: 'authenticated', isAnonymous: false })
    expect(user.appMetadata).toEqual({ provider: 'email', providers: ['email'] })
    expect(user.identities).toMatchObject([{ provider: 'email', providerId: user.id, email: 'new.one@example.com' }])
    expect(user.lastSignInAt).toBeInstanceOf(Date)
    const claims = scopes.withToken(session!.accessToken).caller
    expect(claims).toMatchObject({
      role: 'authenticated',
      claims: { sub: user.id, aud: 'authenticated', email: 'new.one@example.com', phone: '', aal: 'aal1', is_anonymous: false },
    })
    expect((claims as { claims: Record<string, unknown> }).claims).toMatchObject({
      app_metadata: { provider: 'email' },
      amr: [{ method: 'password', timestamp: expect.any(Number) }],
      session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  test('an address that is taken, in any case', async () => {
    const { email } = await signUp()
    await expectCode(auth.signUp(scopes.app(), { email: email.toUpperCase(), password, client }), 'auth.email_taken')
  })

  test('of many sign-ups with one address at once exactly one wins', async () => {
    const email = newEmail()
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => codeOf(auth.signUp(scopes.app(), { email, password, client }))))
    expect(outcomes.toSorted()).toEqual([...Array<string>(11).fill('auth.email_taken'), 'done'])
  })

  test('without autoconfirm the user waits, and a taken address cannot be told from a new one', async () => {
    scopes.set({ mailerAutoconfirm: false })
    const email = newEmail()
    const first = await auth.signUp(scopes.app(), { email, password, client })
    expect(first.session).toBeNull()
    expect(first.user.emailConfirmedAt).toBeNull()
    await expectCode(signIn(email), 'auth.email_not_confirmed')
    await expectCode(signIn(email, 'wrong password'), 'auth.invalid_credentials')
    const second = await auth.signUp(scopes.app(), { email, password, client })
    expect(second.session).toBeNull()
    // who waits is shown as they were just sent: nothing of it was known to the other one
    expect(second.user).toMatchObject({ id: first.user.id, email, emailConfirmedAt: null, confirmationSentAt: expect.any(Date) })
    await auth.settle()
    await project.runAsOwner(`update auth.users set email_confirmed_at = now() where id = '${first.user.id}'`)
    const third = await auth.signUp(scopes.app(), { email, password, client })
    expect(Object.keys(third.user).toSorted()).toEqual(Object.keys(first.user).toSorted())
    expect(third.user.id).not.toBe(first.user.id)
    expect(third.user.identities).toEqual([])
  })

  test('can be switched off', async () => {
    scopes.set({ disableSignup: true })
    await expectCode(auth.signUp(scopes.app(), { email: newEmail(), password, client }), 'auth.signup_disabled')
  })

  test('weak and impossible passwords', async () => {
    const tryWith = (secret: string) => auth.signUp(scopes.app(), { email: newEmail(), password: secret, client })
    scopes.set({ passwordMinLength: 8 })
    const weak = await tryWith('1234567').catch((error: unknown) => error)
    expect(weak).toMatchObject({ message: 'Password should be at least 8 characters.', details: { reasons: ['length'] } })
    await expectCode(tryWith(''), 'auth.validation_failed')
    await expectCode(tryWith('x'.repeat(73)), 'auth.validation_failed')
    await expectCode(tryWith('x'.repeat(1_000_000)), 'auth.validation_failed')
    await expectCode(tryWith('\ud800'.repeat(10)), 'auth.validation_failed')
    await tryWith('\0'.repeat(8))
    await tryWith('pässwörd')
  })

  test('addresses that are none', async () => {
    const hostile = [
      '',
      'a',
      '@',
      'a@',
      '@b',
      'a b@c.de',
      'a@b\n.de',
      'a@b.de\n',
      'a\0@b.de',
      'ä@b.de',
      '\ud800@b.de',
      `${'a'.repeat(252)}@b.de`,
    ]
    for (const email of [...hostile, "' or 1=1 --@b c", '<a@b.de>', 'a@b..de', 'a@-b.de', '__proto__']) {
      expect(await codeOf(auth.signUp(scopes.app(), { email, password, client })), email).toMatch(
        /^auth\.(email_invalid|validation_failed)$/,
      )
      expect(await codeOf(signIn(email)), email).toBe('auth.invalid_credentials')
    }
  })

  test('metadata comes back as it went in, or is refused', async () => {
    const admin = scopes.member()
    const json = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ noUnicodeString: false }), { maxKeys: 5 })
    await fc.assert(
      fc.asyncProperty(json, async (userMetadata) => {
        const text = JSON.stringify(userMetadata)
        const work = auth.createUser(admin, { email: newEmail(), userMetadata })
        if (/\\u0000|\\ud[89a-f]/i.test(text)) return void (await expectCode(work, 'auth.validation_failed'))
        expect((await work).userMetadata).toEqual(JSON.parse(text.replaceAll(/-0(?=[,}\]])/g, '0')))
      }),
      { numRuns: 100 },
    )
    const withPrototype = JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": 1}') as Record<string, unknown>
    const user = await auth.createUser(admin, { email: newEmail(), userMetadata: withPrototype })
    expect(JSON.stringify(user.userMetadata)).toContain('"__proto__":{"isAdmin":true}')
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    let deep: Record<string, unknown> = {}
    for (let level = 0; level < 10_000; level += 1) deep = { deep }
    await expectCode(auth.createUser(admin, { email: newEmail(), userMetadata: deep }), 'auth.validation_failed')
    await expectCode(auth.createUser(admin, { email: newEmail(), userMetadata: { a: 'x'.repeat(100_000) } }), 'auth.validation_failed')
  })
})

describe('signing in', () => {
  test('one answer for an unknown address, a wrong password, none and one of another kind', async () => {
    const { email } = await signUp()
    const { email: without } = await auth.createUser(scopes.member(), { email: newEmail(), isConfirmed: true })
    const { user: foreign } = await signUp()
    await project.runAsOwner(`update auth.users set encrypted_password = '$2a$10$abcdefghijklmnopqrstuv' where id = '${foreign.id}'`)
    const errors = await Promise.all(
      [signIn('nobody@example.com'), signIn(email, 'wrong'), signIn(without!), signIn(foreign.email!), signIn(email, 'x'.repeat(1e6))].map(
        (work) => work.catch((error: unknown) => String(error)),
      ),
    )
    expect(new Set(errors)).toEqual(new Set(['ServiceError: Invalid login credentials']))
    expect((await signIn(email)).user.email).toBe(email)
  })

  test('a hash that a tenant made dear costs nobody anything', async () => {
    const { user, email } = await signUp()
    const dear = '$argon2id$v=19$m=4194304,t=200,p=16$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g'
    await project.runAsOwner(`update auth.users set encrypted_password = '${dear}' where id = '${user.id}'`)
    const start = performance.now()
    await expectCode(signIn(email), 'auth.invalid_credentials')
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  test('the same password in another Unicode form', async () => {
    const email = newEmail()
    await auth.signUp(scopes.app(), { email, password: 'pässwort'.normalize('NFD'), client })
    await signIn(email, 'pässwort'.normalize('NFC'))
  })

  test('a banned user is told so only with the right password', async () => {
    const { user, email, session } = await signUp()
    await auth.updateUserById(scopes.member(), user.id, { banSeconds: 3600 })
    await expectCode(signIn(email), 'auth.user_banned')
    await expectCode(signIn(email, 'wrong'), 'auth.invalid_credentials')
    await expectCode(refresh(session.refreshToken), 'auth.refresh_user_banned')
    await expectCode(auth.getUser(scopes.withToken(session.accessToken)), 'auth.token_user_banned')
    await auth.updateUserById(scopes.member(), user.id, { banSeconds: null })
    await signIn(email)
    await refresh(session.refreshToken)
  })

  test('metadata too large for a token stays out of it', async () => {
    const { email, user } = await signUp()
    await auth.updateUserById(scopes.member(), user.id, { userMetadata: { a: 'x'.repeat(50_000) } })
    const session = await signIn(email)
    const known = await auth.getUser(scopes.withToken(session.accessToken))
    expect((known.userMetadata.a as string).length).toBe(50_000)
  })
})
