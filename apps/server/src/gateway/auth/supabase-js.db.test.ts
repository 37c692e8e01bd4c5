import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let base: string
const password = 'correct horse'
let count = 0
const newEmail = () => `user-${(count += 1)}@example.com`

beforeAll(async () => {
  gateway = await openTestGateway()
  base = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => gateway?.[Symbol.asyncDispose]())

const connect = (key: string, ref: string = gateway.alpha.ref): SupabaseClient =>
  createClient(`${base}/projects/${ref}`, key, { auth: { persistSession: false, autoRefreshToken: false } })
const asApp = () => connect(gateway.alpha.keys.anonKey)
const asAdmin = () => connect(gateway.alpha.keys.serviceRoleKey)

async function signUp(client = asApp(), email = newEmail()) {
  const { data, error } = await client.auth.signUp({ email, password, options: { data: { name: 'Ada' } } })
  expect(error).toBeNull()
  return { client, email, user: data.user!, session: data.session! }
}

describe('an app', () => {
  test('signs up and is signed in', async () => {
    const { client, email, user, session } = await signUp()
    expect(user).toMatchObject({ email, aud: 'authenticated', role: 'authenticated', phone: '', is_anonymous: false })
    expect(user.user_metadata).toMatchObject({ name: 'Ada' })
    expect(user.app_metadata).toMatchObject({ provider: 'email', providers: ['email'] })
    expect(user.identities).toHaveLength(1)
    for (const time of [user.confirmed_at, user.email_confirmed_at, user.last_sign_in_at]) expect(Date.parse(time!)).toBeGreaterThan(0)
    expect(session).toMatchObject({ token_type: 'bearer', expires_in: 3600 })
    expect(session.expires_at).toBeGreaterThan(Date.now() / 1000 + 3500)
    expect((await client.auth.getUser()).data.user?.id).toBe(user.id)
    const { data } = await client.auth.getClaims()
    expect(data?.claims).toMatchObject({ sub: user.id, role: 'authenticated', email, aal: 'aal1' })
  })

  test('is told why it may not sign up', async () => {
    const { email } = await signUp()
    const again = await asApp().auth.signUp({ email, password })
    expect(again.error).toMatchObject({ status: 422, code: 'user_already_exists', message: 'User already registered' })
    const weak = await asApp().auth.signUp({ email: newEmail(), password: '12345' })
    expect(weak.error).toMatchObject({ name: 'AuthWeakPasswordError', code: 'weak_password', reasons: ['length'] })
    const invalid = await asApp().auth.signUp({ email: 'no address', password })
    expect(invalid.error?.message).toBe('Unable to validate email address: invalid format')
    expect((await asApp().auth.signInAnonymously()).error?.message).toBe('Anonymous sign-ins are disabled')
  })

  test('signs in, and not with a wrong password', async () => {
    const { email, user } = await signUp()
    const right = await asApp().auth.signInWithPassword({ email: email.toUpperCase(), password })
    expect(right.data.user?.id).toBe(user.id)
    const wrong = await asApp().auth.signInWithPassword({ email, password: 'wrong' })
    expect(wrong.error).toMatchObject({ status: 400, code: 'invalid_credentials', message: 'Invalid login credentials' })
    const nobody = await asApp().auth.signInWithPassword({ email: newEmail(), password })
    expect(nobody.error).toMatchObject({ status: 400, code: 'invalid_credentials', message: 'Invalid login credentials' })
  })

  test('refreshes, and sets a session that it kept', async () => {
    const { client, session, user } = await signUp()
    const { data } = await client.auth.refreshSession()
    expect(data.session?.refresh_token).not.toBe(session.refresh_token)
    const { access_token, refresh_token } = data.session!
    const other = asApp()
    expect((await other.auth.setSession({ access_token, refresh_token })).data.user?.id).toBe(user.id)
    expect((await other.auth.getUser()).data.user?.id).toBe(user.id)
    const unknown = await asApp().auth.refreshSession({ refresh_token: 'unknown' })
    expect(unknown.error).toMatchObject({ code: 'refresh_token_not_found', message: 'Invalid Refresh Token: Refresh Token Not Found' })
  })

  test('changes its user', async () => {
    const { client, email } = await signUp()
    const { data } = await client.auth.updateUser({ data: { city: 'Delft' } })
    expect(data.user?.user_metadata).toMatchObject({ name: 'Ada', city: 'Delft' })
    expect((await client.auth.updateUser({ password })).error).toMatchObject({ code: 'same_password', status: 422 })
    expect((await client.auth.updateUser({ password: 'another one' })).error).toBeNull()
    expect((await asApp().auth.signInWithPassword({ email, password: 'another one' })).error).toBeNull()
    const moved = newEmail()
    expect((await client.auth.updateUser({ email: moved })).data.user).toMatchObject({ email, new_email: moved })
  })

  test('signs out: here, elsewhere, everywhere', async () => {
    const { client, email, session } = await signUp()
    const other = asApp()
    await other.auth.signInWithPassword({ email, password })
    expect((await client.auth.signOut({ scope: 'others' })).error).toBeNull()
    expect((await other.auth.getUser()).error?.name).toBe('AuthSessionMissingError')
    expect((await client.auth.getUser()).error).toBeNull()
    expect((await client.auth.signOut({ scope: 'global' })).error).toBeNull()
    expect((await asApp().auth.getUser(session.access_token)).error?.name).toBe('AuthSessionMissingError')
    expect((await asApp().auth.refreshSession({ refresh_token: session.refresh_token })).error?.code).toBe('refresh_token_not_found')
  })

  test('without a user’s token has no user, and no administrator’s calls', async () => {
    const { session } = await signUp()
    expect((await asApp().auth.getUser(gateway.alpha.keys.anonKey)).error?.message).toContain('Bearer token')
    expect((await asApp().auth.admin.listUsers()).error).toMatchObject({ status: 403, code: 'not_admin', message: 'User not allowed' })
    const asUser = createClient(`${base}/projects/${gateway.alpha.ref}`, gateway.alpha.keys.anonKey, {
      global: { headers: { Authorization: `Bearer ${session.access_token}` } },
    })
    expect((await asUser.auth.admin.createUser({ email: newEmail() })).error).toMatchObject({ status: 403, code: 'not_admin' })
  })
})

describe('an administrator', () => {
  test('creates, finds, changes, bans and deletes users', async () => {
    const { admin } = asAdmin().auth
    const email = newEmail()
    const created = await admin.createUser({ email, password, user_metadata: { a: 1 }, app_metadata: { plan: 'pro' } })
    expect(created.data.user?.user_metadata).toEqual({ a: 1 })
    expect(created.data.user?.app_metadata).toEqual({ plan: 'pro', provider: 'email', providers: ['email'] })
    const { id } = created.data.user!
    expect((await asApp().auth.signInWithPassword({ email, password })).error?.code).toBe('email_not_confirmed')
    const confirmed = await admin.updateUserById(id, { email_confirm: true, user_metadata: { b: 2 } })
    expect(confirmed.data.user?.email_confirmed_at).toBeTruthy()
    expect(confirmed.data.user?.user_metadata).toMatchObject({ a: 1, b: 2 })
    expect((await asApp().auth.signInWithPassword({ email, password })).error).toBeNull()
    expect((await admin.getUserById(id)).data.user?.email).toBe(email)
    const banned = await admin.updateUserById(id, { ban_duration: '1h30m' })
    const until = Date.parse((banned.data.user as unknown as { banned_until: string }).banned_until)
    expect(until - Date.now()).toBeGreaterThan(5_300_000)
    expect((await asApp().auth.signInWithPassword({ email, password })).error?.code).toBe('user_banned')
    await admin.updateUserById(id, { ban_duration: 'none' })
    expect((await asApp().auth.signInWithPassword({ email, password })).error).toBeNull()
    expect((await admin.createUser({ email })).error).toMatchObject({ status: 422, code: 'email_exists' })
    expect((await admin.deleteUser(id)).error).toBeNull()
    expect((await admin.getUserById(id)).error).toMatchObject({ status: 404, code: 'user_not_found', message: 'User not found' })
  })

  test('pages through users', async () => {
    const { admin } = connect(gateway.beta.keys.secretKey, gateway.beta.ref).auth
    for (let index = 0; index < 5; index += 1) await admin.createUser({ email: newEmail() })
    const { data } = await admin.listUsers({ page: 1, perPage: 2 })
    expect(data).toMatchObject({ total: 5, nextPage: 2, lastPage: 3, aud: 'authenticated' })
    expect(data.users).toHaveLength(2)
    expect((await admin.listUsers({ page: 3, perPage: 2 })).data.users).toHaveLength(1)
    expect((await admin.listUsers({ page: -1 })).error?.status).toBe(400)
  })

  test('signs a user out with the user’s token', async () => {
    const { session } = await signUp()
    expect((await asAdmin().auth.admin.signOut(session.access_token)).error).toBeNull()
    expect((await asApp().auth.getUser(session.access_token)).error?.name).toBe('AuthSessionMissingError')
    expect((await asAdmin().auth.admin.signOut('this is no token')).error?.message).toMatch(/^invalid JWT/)
  })
})

describe('between two projects', () => {
  test('nothing of one works in the other', async () => {
    const { alpha, beta } = gateway
    const { session, email } = await signUp()
    const there = connect(beta.keys.anonKey, beta.ref)
    expect((await there.auth.getUser(session.access_token)).error).toMatchObject({ status: 403, code: 'bad_jwt' })
    expect((await there.auth.signInWithPassword({ email, password })).error?.code).toBe('invalid_credentials')
    expect((await there.auth.refreshSession({ refresh_token: session.refresh_token })).error?.code).toBe('refresh_token_not_found')
    for (const key of Object.values(alpha.keys)) {
      const crossed = connect(key, beta.ref)
      expect((await crossed.auth.signInWithPassword({ email, password })).error?.status).toBe(401)
      expect((await crossed.auth.admin.listUsers()).error?.status).toBe(401)
    }
    expect((await there.auth.signUp({ email, password })).error).toBeNull()
  })
})

test('no error of ours was seen', () => expect(gateway.errors).toEqual([]))
