import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openLinkStage, type LinkStage } from './testing/link-stage.ts'

let at: LinkStage
const password = 'correct horse'
const page = 'https://app.example.com/welcome'

beforeAll(async () => void (at = await openLinkStage()))
beforeEach(() => at.set({ uriAllowList: ['https://app.example.com/**'] }))
afterAll(() => at?.[Symbol.asyncDispose]())

async function signUp(flowType: 'pkce' | 'implicit', redirectTo = page) {
  const client = at.connect(flowType)
  const email = at.newEmail()
  const { data, error } = await client.auth.signUp({ email, password, options: { emailRedirectTo: redirectTo } })
  expect([error, data.session]).toEqual([null, null])
  return { client, email, user: data.user!, mail: await at.mailTo(email) }
}

describe('a link', () => {
  test('is not used up by what looks at it: HEAD, prefetch, a scanner’s GET; its reader presses a button', async () => {
    const { email, mail } = await signUp('implicit')
    const looks = [
      { method: 'HEAD' as const },
      ...['purpose', 'sec-purpose', 'x-moz', 'x-purpose'].map((name) => ({ headers: { [name]: 'prefetch;anonymous-client-ip' } })),
      {},
      {},
    ]
    for (const look of looks) {
      const shown = await at.open(mail.path, look)
      expect([shown.status, shown.headers.location]).toEqual([200, undefined])
      expect(shown.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' })
    }
    const { body } = await at.open(mail.path)
    expect(body).toContain('<form method="post">')
    expect(body).not.toContain(mail.tokenHash)
    const pressed = await at.open(mail.path, { method: 'POST' })
    expect([pressed.status, pressed.location.page, pressed.location.query]).toEqual([303, page, {}])
    const { access_token: accessToken, refresh_token: refreshToken, ...rest } = pressed.location.fragment
    expect(rest).toEqual({ expires_at: expect.any(String), expires_in: '3600', token_type: 'bearer', type: 'signup', sb: '' })
    const client = at.connect('implicit')
    const { data } = await client.auth.setSession({ access_token: accessToken!, refresh_token: refreshToken! })
    expect(data.user).toMatchObject({ email, email_confirmed_at: expect.any(String) })
  })

  test('leads on at once where the project wants no button, and still not for what only looks', async () => {
    at.set({ uriAllowList: [page], mailerLinkPageEnabled: false })
    const { mail } = await signUp('implicit')
    for (const look of [{ method: 'HEAD' as const }, { headers: { 'sec-purpose': 'prefetch' } }])
      expect((await at.open(mail.path, look)).status).toBe(200)
    expect((await at.open(mail.path)).location.fragment).toHaveProperty('access_token')
  })

  test('that is worth nothing leads back with the reason, and to no page that is not allowed', async () => {
    const { mail } = await signUp('implicit')
    await at.open(mail.path, { method: 'POST' })
    const again = await at.open(mail.path, { method: 'POST' })
    const reason = { error: 'access_denied', error_code: 'otp_expired', error_description: 'Email link is invalid or has expired' }
    expect(again.location).toEqual({ page, query: {}, fragment: { ...reason, sb: '' } })
    const elsewhere = mail.path.replace(encodeURIComponent(page), encodeURIComponent('https://evil.example.com/'))
    expect((await at.open(elsewhere, { method: 'POST' })).location.page).toBe('http://localhost:3000/')
    const pkce = mail.path.replace('token=', 'token=pkce_')
    expect((await at.open(pkce, { method: 'POST' })).location).toMatchObject({ query: reason, fragment: reason })
  })

  test('that is none is told to whoever made it', async () => {
    const base = `/projects/${at.gateway.alpha.ref}/auth/v1/verify`
    for (const query of ['', '?token=x', '?type=signup', '?type=x&token=y']) {
      const { status, body } = await at.open(base + query, { method: query.includes('&') ? 'POST' : 'GET' })
      expect([status, JSON.parse(body).error_code], query).toEqual([400, 'validation_failed'])
    }
    const hostile = await at.open(`${base}?type=${encodeURIComponent('<script>')}&token=${encodeURIComponent('"><script>')}`)
    expect(hostile.body).not.toContain('<script>')
  })

  test('works in its own project alone', async () => {
    const { mail } = await signUp('implicit')
    const { alpha, beta } = at.gateway
    const elsewhere = await at.open(mail.path.replace(alpha.ref, beta.ref), { method: 'POST' })
    expect(elsewhere.location.fragment.error_code).toBe('otp_expired')
    expect((await at.open(mail.path, { method: 'POST' })).location.fragment).toHaveProperty('access_token')
  })
})

describe('where a link leads to', () => {
  const landing = async (redirectTo: string) =>
    new URL((await signUp('implicit', redirectTo)).mail.path, page).searchParams.get('redirect_to')

  test('is what the client names, if it is allowed; otherwise the project’s site', async () => {
    expect(await landing(page)).toBe(page)
    for (const evil of [
      'https://evil.example.com/',
      'https://app.example.com.evil.com/',
      'javascript:alert(1)',
      '//evil.com',
      'https://app.example.com@evil.com/',
    ])
      expect(await landing(evil), evil).toBe('http://localhost:3000')
    at.set({ siteUrl: 'https://site.example.com/app', uriAllowList: ['myapp://**'] })
    expect(await landing('myapp://open/here')).toBe('myapp://open/here')
    expect(await landing('https://app.example.com/')).toBe('https://site.example.com/app')
    expect(await landing('https://site.example.com/else')).toBe('https://site.example.com/else')
  })
})

describe('a client that exchanges a code', () => {
  const exchange = async (client: Awaited<ReturnType<typeof signUp>>['client'], path: string) => {
    const { location } = await at.open(path, { method: 'POST' })
    expect(location.fragment).toEqual({})
    return client.auth.exchangeCodeForSession(location.query.code!)
  }

  test('gets its session, and another browser that opened the link does not', async () => {
    const { client, email, mail } = await signUp('pkce')
    expect(mail.tokenHash).toMatch(/^pkce_/)
    const { location } = await at.open(mail.path, { method: 'POST' })
    expect(Object.keys(location.query)).toEqual(['code'])
    const thief = at.connect('pkce')
    await thief.auth.signInWithOtp({ email: at.newEmail() })
    expect((await thief.auth.exchangeCodeForSession(location.query.code!)).error).toMatchObject({ code: 'bad_code_verifier', status: 400 })
    const { data, error } = await client.auth.exchangeCodeForSession(location.query.code!)
    expect([error, data.user?.email]).toEqual([null, email])
    const unknown = await client.auth.exchangeCodeForSession(crypto.randomUUID())
    expect(unknown.error?.message).toContain('code verifier')
  })

  test('by magic link, recovery and change of address', async () => {
    const { client, email, mail } = await signUp('pkce')
    await exchange(client, mail.path)
    await client.auth.signOut()
    await client.auth.signInWithOtp({ email, options: { emailRedirectTo: page } })
    expect((await exchange(client, (await at.mailTo(email)).path)).error).toBeNull()
    await client.auth.resetPasswordForEmail(email, { redirectTo: page })
    const recovered = await exchange(client, (await at.mailTo(email)).path)
    expect(recovered.data).toMatchObject({ redirectType: 'recovery', user: { email } })
    const newEmail = at.newEmail()
    const { data } = await client.auth.updateUser({ email: newEmail }, { emailRedirectTo: page })
    expect(data.user).toMatchObject({ email, new_email: newEmail })
    const first = await at.open((await at.mailTo(email)).path, { method: 'POST' })
    expect(first.location).toMatchObject({ page, query: { message: expect.stringContaining('other email') } })
    await exchange(client, (await at.mailTo(newEmail)).path)
    expect((await client.auth.getUser()).data.user).toMatchObject({ email: newEmail })
  })
})

describe('codes that are typed', () => {
  test('of a sign-up, a magic link, a recovery and an invitation', async () => {
    const { client, email, mail } = await signUp('implicit')
    const wrong = await client.auth.verifyOtp({ email, token: mail.code === '123456' ? '654321' : '123456', type: 'email' })
    expect(wrong.error).toMatchObject({ status: 403, code: 'otp_expired', message: 'Token has expired or is invalid' })
    expect((await client.auth.verifyOtp({ email, token: mail.code, type: 'signup' })).data.session).not.toBeNull()
    await client.auth.signInWithOtp({ email })
    expect((await client.auth.verifyOtp({ email, token: (await at.mailTo(email)).code, type: 'email' })).error).toBeNull()
    await client.auth.resetPasswordForEmail(email)
    const { tokenHash } = await at.mailTo(email)
    expect((await client.auth.verifyOtp({ token_hash: tokenHash, type: 'recovery' })).error).toBeNull()
    const admin = at.connect('implicit', at.gateway.alpha.keys.serviceRoleKey)
    const invited = at.newEmail()
    const { data } = await admin.auth.admin.inviteUserByEmail(invited, { data: { team: 'red' }, redirectTo: page })
    expect(data.user).toMatchObject({ email: invited, invited_at: expect.any(String), user_metadata: { team: 'red' } })
    expect((await client.auth.verifyOtp({ email: invited, token: (await at.mailTo(invited)).code, type: 'invite' })).error).toBeNull()
  })

  test('confirm that it is oneself', async () => {
    at.set({ securityUpdatePasswordRequireReauthentication: true })
    const { client, email, mail, user } = await signUp('implicit')
    await client.auth.verifyOtp({ email, token: mail.code, type: 'signup' })
    await at.gateway.alpha.runAsOwner(`update auth.sessions set created_at = now() - interval '2 days' where user_id = '${user.id}'`)
    expect((await client.auth.updateUser({ password: 'another one' })).error).toMatchObject({ code: 'reauthentication_needed' })
    expect(await client.auth.reauthenticate()).toMatchObject({ error: null, data: { user: null, session: null } })
    const nonce = (await at.mailTo(email)).code
    expect((await client.auth.updateUser({ password: 'another one', nonce })).error).toBeNull()
  })
})
