import { isServiceError, type ErrorCode } from '@polder/core'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
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

const spentSecondsAgo = (seconds: number) =>
  project.runAsOwner(`update auth.refresh_tokens set updated_at = now() - interval '${seconds} seconds' where revoked`)

describe('refreshing', () => {
  test('gives a new token each time, of the same session, with the user as they are by now', async () => {
    const { session, user } = await signUp()
    await auth.updateUserById(scopes.member(), user.id, { appMetadata: { plan: 'pro' } })
    const second = await refresh(session.refreshToken)
    const third = await refresh(second.refreshToken)
    expect(new Set([session, second, third].map((one) => one.refreshToken)).size).toBe(3)
    const [before, after] = [session, third].map((one) => scopes.tokens.verify(one.accessToken))
    expect(after).toMatchObject({ session_id: before!.session_id, amr: before!.amr, app_metadata: { plan: 'pro', provider: 'email' } })
    expect(third.user.appMetadata.plan).toBe('pro')
  })

  test('what is stored gives no token', async () => {
    const { session } = await signUp()
    const second = await refresh(session.refreshToken)
    const { rows } = await project.runAsOwner('select t::text from auth.refresh_tokens t union all select s::text from auth.sessions s')
    const stored = JSON.stringify(rows)
    for (const token of [session.refreshToken, second.refreshToken]) {
      expect(stored).not.toContain(token)
      expect(stored).not.toContain(Buffer.from(token, 'base64url').toString('hex'))
    }
  })

  test('fifty at once with one token get one successor, and all can go on with it', async () => {
    const { session, user } = await signUp()
    const all = await Promise.all(Array.from({ length: 50 }, () => refresh(session.refreshToken)))
    const successors = new Set(all.map((one) => one.refreshToken))
    expect(successors.size).toBe(1)
    const { rows } = await project.runAsOwner(
      `select count(*)::int as all, count(*) filter (where not revoked)::int as usable from auth.refresh_tokens where user_id = '${user.id}'`,
    )
    expect(rows).toEqual([{ all: 2, usable: 1 }])
    await refresh([...successors][0]!)
  })

  test('within the interval a spent token leads to the one in force, through several refreshes', async () => {
    const { session } = await signUp()
    const second = await refresh(session.refreshToken)
    const third = await refresh(second.refreshToken)
    expect((await refresh(session.refreshToken)).refreshToken).toBe(third.refreshToken)
    expect((await refresh(second.refreshToken)).refreshToken).toBe(third.refreshToken)
  })

  test('after the interval it ends the session with all its tokens, and the log says so', async () => {
    const { session, user } = await signUp()
    const other = await signIn(user.email!)
    const second = await refresh(session.refreshToken)
    await spentSecondsAgo(11)
    await expectCode(refresh(session.refreshToken), 'auth.refresh_token_already_used')
    await expectCode(refresh(second.refreshToken), 'auth.refresh_token_not_found')
    await expectCode(auth.getUser(scopes.withToken(second.accessToken)), 'auth.session_not_found')
    await refresh(other.refreshToken)
    const { rows } = await project.runAsOwner(
      `select payload from auth.audit_log_entries where payload->>'action' = 'token_revoked' and payload->>'actor_id' = '${user.id}'`,
    )
    expect(rows).toHaveLength(1)
  })

  test('an interval of 0 allows no second use', async () => {
    scopes.set({ securityRefreshTokenReuseInterval: 0 })
    const { session } = await signUp()
    await refresh(session.refreshToken)
    await expectCode(refresh(session.refreshToken), 'auth.refresh_token_already_used')
  })

  test('what is no token of ours', async () => {
    for (const token of ['', 'x', '\0', "' or 1=1 --", 'x'.repeat(43), 'x'.repeat(1e6), '\ud800']) {
      await expectCode(refresh(token), 'auth.refresh_token_not_found')
    }
    const { session } = await signUp()
    const last = session.refreshToken.at(-1)!
    const twins = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter((one) => one !== last)
    await expectCode(refresh(session.refreshToken.slice(0, -1) + twins[0]), 'auth.refresh_token_not_found')
  })

  test('a session past its time', async () => {
    const { session, user } = await signUp()
    await project.runAsOwner(`update auth.sessions set not_after = now() - interval '1 second' where user_id = '${user.id}'`)
    await expectCode(refresh(session.refreshToken), 'auth.session_expired')
    await expectCode(auth.getUser(scopes.withToken(session.accessToken)), 'auth.session_not_found')
  })

  test('signing out, in and refreshing all at once never waits for itself', async () => {
    const { session, user } = await signUp()
    const token = scopes.withToken(session.accessToken)
    const work = Array.from({ length: 10 }, (_, index) => [
      codeOf(refresh(session.refreshToken)),
      codeOf(index === 5 ? auth.signOut(token, { scope: 'global', client }) : auth.getUser(token)),
      codeOf(signIn(user.email!)),
    ]).flat()
    const allowed = ['done', 'auth.refresh_token_not_found', 'auth.session_not_found']
    for (const outcome of await Promise.all(work)) expect(allowed).toContain(outcome)
  })
})

describe('the user of a token', () => {
  test('is asked for with a user’s token only', async () => {
    await expectCode(auth.getUser(scopes.app()), 'auth.no_authorization')
    await expectCode(auth.getUser(scopes.app('service_role')), 'auth.no_authorization')
    await expectCode(auth.getUser(scopes.member()), 'auth.no_authorization')
    const exp = Math.floor(Date.now() / 1000) + 60
    const sign = (claims: object) => scopes.withToken(scopes.tokens.sign({ role: 'authenticated', exp, ...claims }))
    await expectCode(auth.getUser(sign({})), 'auth.claim_invalid')
    await expectCode(auth.getUser(sign({ sub: 'x' })), 'auth.claim_invalid')
    await expectCode(auth.getUser(sign({ sub: '44444444-4444-4444-8444-444444444444' })), 'auth.user_gone')
    const { user, session } = await signUp()
    await expectCode(auth.getUser(sign({ sub: user.id, session_id: "'" })), 'auth.claim_invalid')
    // the project's own back end may sign tokens without a session
    expect((await auth.getUser(sign({ sub: user.id }))).id).toBe(user.id)
    const other = await signUp()
    const { session_id: strangers } = scopes.tokens.verify(other.session.accessToken)
    await expectCode(auth.getUser(sign({ sub: user.id, session_id: strangers })), 'auth.session_not_found')
    expect((await auth.getUser(scopes.withToken(session.accessToken))).id).toBe(user.id)
  })

  test('dies with its session: local, others, global', async () => {
    const { session: first, email } = await signUp()
    const [second, third] = [await signIn(email), await signIn(email)]
    const outcomes = () => Promise.all([first, second, third].map((one) => codeOf(auth.getUser(scopes.withToken(one.accessToken)))))
    const gone = 'auth.session_not_found'
    await auth.signOut(scopes.withToken(first.accessToken), { scope: 'local', client })
    expect(await outcomes()).toEqual([gone, 'done', 'done'])
    await expectCode(refresh(first.refreshToken), 'auth.refresh_token_not_found')
    await auth.signOut(scopes.withToken(second.accessToken), { scope: 'others', client })
    expect(await outcomes()).toEqual([gone, 'done', gone])
    await auth.signOut(scopes.withToken(second.accessToken), { scope: 'global', client })
    expect(await outcomes()).toEqual([gone, gone, gone])
    await expectCode(auth.signOut(scopes.withToken(second.accessToken), { scope: 'global', client }), gone)
  })

  test('a new password ends the other sessions and the old password', async () => {
    const { session, email } = await signUp()
    const other = await signIn(email)
    const own = scopes.withToken(session.accessToken)
    await expectCode(auth.updateUser(own, { password, client }), 'auth.same_password')
    await expectCode(auth.updateUser(own, { password: 'short', client }), 'auth.weak_password')
    await auth.updateUser(own, { password: 'another one', client })
    await expectCode(auth.getUser(scopes.withToken(other.accessToken)), 'auth.session_not_found')
    await expectCode(signIn(email), 'auth.invalid_credentials')
    await signIn(email, 'another one')
    await refresh(session.refreshToken)
  })

  test('metadata is merged, and null removes', async () => {
    const { session } = await signUp()
    const own = scopes.withToken(session.accessToken)
    await auth.updateUser(own, { data: { a: 1, b: { c: 2 }, d: null }, client })
    const user = await auth.updateUser(own, { data: { a: null, b: { e: 3 }, f: 'x' }, client })
    expect(user.userMetadata).toEqual({ b: { e: 3 }, f: 'x', email_verified: true })
    await project.runAsOwner(`update auth.users set raw_user_meta_data = '[1]' where id = '${user.id}'`)
    expect((await auth.updateUser(own, { data: { g: 1 }, client })).userMetadata).toEqual({ g: 1 })
  })

  test('another address is refused where somebody has it, or where it is none', async () => {
    const { session } = await signUp()
    const { email: taken } = await signUp()
    const own = scopes.withToken(session.accessToken)
    await expectCode(auth.updateUser(own, { email: taken, client }), 'auth.email_exists')
    await expectCode(auth.updateUser(own, { email: 'none', client }), 'auth.email_invalid')
  })
})
