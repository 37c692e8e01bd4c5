import { hashSync } from '@node-rs/bcrypt'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { client, codeOf, expectCode, openTestAuth, password, type TestAuth } from './testing/test-auth.ts'

let at: TestAuth

beforeAll(async () => void (at = await openTestAuth()))
beforeEach(() => at.reset())
afterAll(() => at?.[Symbol.asyncDispose]())

const refresh = (refreshToken: string) => at.auth.refreshSession(at.scopes.app(), { refreshToken, client })
const signIn = (email: string) => at.auth.signIn(at.scopes.app(), { email, password, client })
const messageOf = (work: Promise<unknown>) => work.then(String, (error: unknown) => (error as Error).message)
const age = (userId: string, column: string, seconds: number) =>
  at.project.runAsOwner(`update auth.sessions set ${column} = now() - interval '${seconds} seconds' where user_id = '${userId}'`)

describe('a session', () => {
  test('ends with its time-box, however much it is used', async () => {
    at.reset({ sessionsTimebox: 3_600 })
    const { id, refreshToken, accessToken } = await at.addUser()
    const next = await refresh(refreshToken)
    await age(id, 'created_at', 3_599)
    const last = await refresh(next.refreshToken)
    await age(id, 'created_at', 3_601)
    await expectCode(refresh(last.refreshToken), 'auth.session_expired')
    at.reset()
    await refresh(last.refreshToken)
    expect((await at.auth.getUser(at.scopes.withToken(accessToken))).id).toBe(id)
  })

  test('ends when it is not used for too long', async () => {
    at.reset({ sessionsInactivityTimeout: 600 })
    const { id, refreshToken } = await at.addUser()
    const next = await refresh(refreshToken)
    await age(id, 'created_at', 100_000)
    const last = await refresh(next.refreshToken)
    await age(id, 'refreshed_at', 601)
    await at.project.runAsOwner(`update auth.refresh_tokens set updated_at = now() - interval '601 seconds' where user_id = '${id}'`)
    expect(await messageOf(refresh(last.refreshToken))).toBe('Invalid Refresh Token: Session Expired (Inactivity)')
  })

  test('is the only one that can be refreshed, where the project wants one a user', async () => {
    at.reset({ sessionsSinglePerUser: true })
    const { email, refreshToken } = await at.addUser()
    const second = await signIn(email)
    expect(await messageOf(refresh(refreshToken))).toBe('Invalid Refresh Token: Session Expired (Revoked by Newer Login)')
    await refresh(second.refreshToken)
    const { email: other, refreshToken: others } = await at.addUser()
    await refresh(others)
    await signIn(other)
  })

  test('lives on after a replay where the project does not want rotation to tell', async () => {
    at.reset({ securityRefreshTokenRotationEnabled: false })
    const { id, refreshToken } = await at.addUser()
    const next = await refresh(refreshToken)
    await at.project.runAsOwner(
      `update auth.refresh_tokens set updated_at = now() - interval '11 seconds' where user_id = '${id}' and revoked`,
    )
    await expectCode(refresh(refreshToken), 'auth.refresh_token_already_used')
    await refresh(next.refreshToken)
  })

  test('has tokens that live as long as the project says', async () => {
    at.reset({ jwtExp: 120 })
    const { email } = await at.addUser()
    const session = await signIn(email)
    expect(session.expiresIn).toBe(120)
    const { exp, iat } = at.scopes.tokens.verify(session.accessToken)
    expect(Number(exp) - Number(iat)).toBe(120)
  })

  test('tells how its user has proven who they are, the latest first', async () => {
    const { refreshToken, accessToken } = await at.addUser()
    const claims = at.scopes.tokens.verify(accessToken)
    expect(claims).toMatchObject({ aal: 'aal1', amr: [{ method: 'password', timestamp: expect.any(Number) }] })
    const sessionId = String(claims.session_id)
    await at.project.runAsOwner(`
      update auth.sessions set aal = 'aal2' where id = '${sessionId}';
      insert into auth.mfa_amr_claims (session_id, created_at, updated_at, authentication_method) values ('${sessionId}', now(), now() + interval '1 minute', 'totp')`)
    const refreshed = await refresh(refreshToken)
    expect(at.scopes.tokens.verify(refreshed.accessToken)).toMatchObject({ aal: 'aal2', session_id: sessionId })
    expect(at.methodsOf(refreshed.accessToken)).toEqual(['totp', 'password'])
  })
})

describe('a hash that came with a user of Supabase', () => {
  const hashOf = async (id: string) =>
    (await at.project.runAsOwner(`select encrypted_password as hash from auth.users where id = '${id}'`)).rows[0].hash as string

  test('lets them in, and is replaced by one of Argon2id; their sessions stay', async () => {
    const { id, email, refreshToken } = await at.addUser()
    await at.project.runAsOwner(`update auth.users set encrypted_password = '${hashSync(password, { cost: 4 })}' where id = '${id}'`)
    await expectCode(at.auth.signIn(at.scopes.app(), { email, password: 'wrong', client }), 'auth.invalid_credentials')
    expect(await hashOf(id)).toMatch(/^\$2/)
    await signIn(email)
    expect(await hashOf(id)).toMatch(/^\$argon2id\$v=19\$m=8192,t=1,p=1\$/)
    await signIn(email)
    await refresh(refreshToken)
  })

  test('may be given by an administrator; one that nobody could sign in with is refused', async () => {
    const admin = at.scopes.app('service_role')
    const email = at.newEmail()
    await at.auth.createUser(admin, { email, passwordHash: hashSync(password, { cost: 4 }), isConfirmed: true })
    await signIn(email)
    for (const passwordHash of ['x', '$2a$31$N9qo8uLOickgx2ZMRZoMyeyS5YbFLlZJbNZ2cWm0rTq0hGQ9bSNwO', '$argon2i$v=19$m=16,t=2,p=1$YQ$YQ']) {
      expect(await codeOf(at.auth.createUser(admin, { email: at.newEmail(), passwordHash })), passwordHash).toBe('auth.validation_failed')
    }
  })

  test('of another cost than the project’s is made anew at the next sign-in', async () => {
    const { id, email } = await at.addUser()
    at.reset({ passwordArgon2Passes: 2 })
    await signIn(email)
    expect(await hashOf(id)).toMatch(/^\$argon2id\$v=19\$m=8192,t=2,p=1\$/)
  })
})
