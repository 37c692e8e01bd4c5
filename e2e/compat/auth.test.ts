import { beforeAll, describe, expect, test } from 'vitest'
import { createApp, openPolder, openSupabase, signUpUser, type App } from '../server/platform.ts'

let app: App

beforeAll(async () => {
  app = await createApp(await openPolder('auth@e2e.test'), 'auth')
})

describe('a user', () => {
  test('signs up, is signed in, and is known by the token', async () => {
    const { supabase, user, session } = await signUpUser(app, 'ada@auth.test')
    expect(user.email).toBe('ada@auth.test')
    expect(user.role).toBe('authenticated')
    expect(session.token_type).toBe('bearer')
    const { data } = await supabase.auth.getUser()
    expect(data.user?.id).toBe(user.id)
  })

  test('signs in with the password and not with another', async () => {
    await signUpUser(app, 'bob@auth.test', 'first password')
    const supabase = openSupabase(app)
    const wrong = await supabase.auth.signInWithPassword({ email: 'bob@auth.test', password: 'not this' })
    expect(wrong.error).toMatchObject({ status: 400, code: 'invalid_credentials' })
    const unknown = await supabase.auth.signInWithPassword({ email: 'nobody@auth.test', password: 'not this' })
    expect(unknown.error).toMatchObject({ status: 400, code: 'invalid_credentials', message: wrong.error!.message })
    const right = await supabase.auth.signInWithPassword({ email: 'bob@auth.test', password: 'first password' })
    expect(right.error).toBeNull()
    expect(right.data.user?.email).toBe('bob@auth.test')
  })

  test('cannot take an address that is taken, or a weak password', async () => {
    await signUpUser(app, 'cleo@auth.test')
    const again = await openSupabase(app).auth.signUp({ email: 'Cleo@auth.test', password: 'something else' })
    expect(again.error).toMatchObject({ status: 422, code: 'user_already_exists' })
    const weak = await openSupabase(app).auth.signUp({ email: 'weak@auth.test', password: '123' })
    expect(weak.error).toMatchObject({ status: 422, code: 'weak_password' })
    const bad = await openSupabase(app).auth.signUp({ email: 'not an address', password: 'good enough' })
    expect(bad.error?.status).toBe(400)
  })

  test('refreshes the session; the old refresh token gives the same successor for a moment', async () => {
    const { supabase, session } = await signUpUser(app, 'dora@auth.test')
    const first = await supabase.auth.refreshSession({ refresh_token: session.refresh_token })
    expect(first.error).toBeNull()
    expect(first.data.session!.refresh_token).not.toBe(session.refresh_token)
    const again = await openSupabase(app).auth.refreshSession({ refresh_token: session.refresh_token })
    expect(again.error).toBeNull()
    const unknown = await openSupabase(app).auth.refreshSession({ refresh_token: 'made up' })
    expect(unknown.error?.code).toBe('refresh_token_not_found')
  })

  test('changes data and password, and signs out everywhere', async () => {
    const { supabase } = await signUpUser(app, 'emil@auth.test', 'old password')
    const changed = await supabase.auth.updateUser({ data: { theme: 'dark' }, password: 'new password' })
    expect(changed.error).toBeNull()
    expect(changed.data.user?.user_metadata).toMatchObject({ theme: 'dark' })
    expect((await openSupabase(app).auth.signInWithPassword({ email: 'emil@auth.test', password: 'old password' })).error).not.toBeNull()
    const other = openSupabase(app)
    const { data } = await other.auth.signInWithPassword({ email: 'emil@auth.test', password: 'new password' })
    await supabase.auth.signOut({ scope: 'global' })
    const dead = await openSupabase(app).auth.getUser(data.session!.access_token)
    expect(dead.error).not.toBeNull()
  })
})

describe('an administrator', () => {
  test('lists, creates and deletes users with the service key', async () => {
    const { auth } = openSupabase(app, app.serviceKey)
    const made = await auth.admin.createUser({
      email: 'made@auth.test',
      password: 'made by hand',
      email_confirm: true,
      user_metadata: { by: 'hand' },
    })
    expect(made.error).toBeNull()
    expect(made.data.user).toMatchObject({ email: 'made@auth.test', user_metadata: { by: 'hand' } })
    const list = await auth.admin.listUsers({ page: 1, perPage: 1000 })
    expect(list.data.users.map((user) => user.email)).toContain('made@auth.test')
    expect((await openSupabase(app).auth.signInWithPassword({ email: 'made@auth.test', password: 'made by hand' })).error).toBeNull()
    expect((await auth.admin.deleteUser(made.data.user!.id)).error).toBeNull()
    expect((await auth.admin.getUserById(made.data.user!.id)).error?.status).toBe(404)
  })

  test('is nobody without it', async () => {
    const { session } = await signUpUser(app, 'eve@auth.test')
    for (const key of [app.anonKey, session.access_token]) {
      const refused = await openSupabase(app, key).auth.admin.listUsers()
      expect(refused.error?.status).toBeGreaterThanOrEqual(401)
      expect(refused.error?.status).toBeLessThanOrEqual(403)
    }
  })
})
