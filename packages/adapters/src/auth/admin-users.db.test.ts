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
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (isServiceError(error) ? error.code : String(error)),
  )
const expectCode = async (work: Promise<unknown>, code: ErrorCode) => expect(await codeOf(work)).toBe(code)

const NOBODY = '44444444-4444-4444-8444-444444444444'

describe('administrators', () => {
  test('are members and the service role; users and anybody else are refused everything', async () => {
    const { user, session } = await signUp()
    const calls = (scope: ReturnType<TestScopes['app']>) => [
      auth.listUsers(scope, { page: 1, perPage: 1 }),
      auth.getUserById(scope, user.id),
      auth.createUser(scope, { email: newEmail() }),
      auth.updateUserById(scope, user.id, { role: 'service_role' }),
      auth.deleteUser(scope, { userId: user.id }),
      auth.createFirstUser(scope, { email: newEmail() }),
    ]
    expect(new Set(await Promise.all(calls(scopes.app('anon')).map(codeOf)))).toEqual(new Set(['auth.not_admin']))
    expect(new Set(await Promise.all(calls(scopes.withToken(session.accessToken)).map(codeOf)))).toEqual(new Set(['auth.not_admin']))
    for (const scope of [scopes.app('service_role'), scopes.member()]) expect((await auth.getUserById(scope, user.id)).id).toBe(user.id)
  })

  test('users with the service role are too, while their session lasts', async () => {
    const { user, email } = await signUp()
    await auth.updateUserById(scopes.member(), user.id, { role: 'service_role' })
    const scope = scopes.withToken((await signIn(email)).accessToken)
    expect((await auth.getUserById(scope, user.id)).id).toBe(user.id)
    await auth.signOut(scope, { scope: 'global', client })
    await expectCode(auth.getUserById(scope, user.id), 'auth.session_not_found')
  })

  test('create users as they want them', async () => {
    const admin = scopes.app('service_role')
    const email = newEmail()
    const id = '55555555-5555-4555-8555-555555555555'
    const user = await auth.createUser(admin, {
      id,
      email,
      password,
      isConfirmed: true,
      userMetadata: { name: 'Ada' },
      appMetadata: { plan: 'pro' },
      role: 'authenticated',
    })
    expect(user).toMatchObject({
      id,
      email,
      userMetadata: { name: 'Ada' },
      appMetadata: { plan: 'pro', provider: 'email', providers: ['email'] },
    })
    await signIn(email)
    await expectCode(auth.createUser(admin, { email }), 'auth.email_exists')
    await expectCode(auth.createUser(admin, { email: newEmail(), id }), 'auth.id_taken')
    const { emailConfirmedAt, userMetadata } = await auth.createUser(admin, { email: newEmail(), userMetadata: { only: 'this' } })
    expect({ emailConfirmedAt, userMetadata }).toEqual({ emailConfirmedAt: null, userMetadata: { only: 'this' } })
    for (const bad of [{ id: 'x' }, { id: '00000000-0000-0000-0000-000000000000' }, { role: 'postgres' }, { password: 'x'.repeat(73) }]) {
      await expectCode(auth.createUser(admin, { email: newEmail(), ...bad }), 'auth.validation_failed')
    }
  })

  test('of many who create one address at once exactly one wins', async () => {
    const email = newEmail()
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => codeOf(auth.createUser(scopes.member(), { email }))))
    expect(outcomes.toSorted()).toEqual([...Array<string>(9).fill('auth.email_exists'), 'done'])
  })

  test('change users; a new password ends their sessions', async () => {
    const admin = scopes.member()
    const { user, session, email } = await signUp()
    const { email: taken } = await signUp()
    await expectCode(auth.updateUserById(admin, user.id, { email: taken }), 'auth.email_exists')
    await expectCode(auth.updateUserById(admin, user.id, { password: 'short' }), 'auth.weak_password')
    await expectCode(auth.updateUserById(admin, NOBODY, { userMetadata: {} }), 'auth.user_not_found')
    await expectCode(auth.updateUserById(admin, "' or 1=1", { userMetadata: {} }), 'auth.user_not_found')
    const moved = newEmail()
    await auth.updateUserById(admin, user.id, { email: moved, isConfirmed: true, password: 'another one', appMetadata: { a: 1 } })
    await expectCode(signIn(email), 'auth.invalid_credentials')
    expect((await signIn(moved, 'another one')).user.appMetadata).toMatchObject({ a: 1, provider: 'email' })
    await expectCode(auth.getUser(scopes.withToken(session.accessToken)), 'auth.session_not_found')
  })

  test('delete users, hard and soft', async () => {
    const admin = scopes.member()
    const { user, session, email } = await signUp()
    await auth.deleteUser(admin, { userId: user.id })
    await expectCode(auth.getUserById(admin, user.id), 'auth.user_not_found')
    await expectCode(auth.deleteUser(admin, { userId: user.id }), 'auth.user_not_found')
    await expectCode(auth.getUser(scopes.withToken(session.accessToken)), 'auth.user_gone')
    const soft = await signUp(email)
    await auth.deleteUser(admin, { userId: soft.user.id, isSoft: true })
    await auth.deleteUser(admin, { userId: soft.user.id, isSoft: true })
    const rest = await auth.getUserById(admin, soft.user.id)
    expect(rest.deletedAt).toBeInstanceOf(Date)
    expect(JSON.stringify(rest)).not.toContain(email)
    await expectCode(signIn(email), 'auth.invalid_credentials')
    await expectCode(auth.getUser(scopes.withToken(soft.session.accessToken)), 'auth.user_gone')
    await signUp(email)
  })

  test('list users by page, and find them by part of address or name, or by id', async () => {
    const admin = scopes.member()
    const made = []
    for (let index = 0; index < 7; index += 1) {
      made.push(
        await auth.createUser(admin, {
          email: `list-${index}_%\\@example.com`.replace('\\', ''),
          userMetadata: { full_name: `Näme ${index}` },
        }),
      )
    }
    const find = (search: string, page = 1, perPage = 3) => auth.listUsers(admin, { page, perPage, search })
    const pages = [await find('LIST-'), await find('list-', 2), await find('list-', 3), await find('list-', 4)]
    expect(pages.map(({ users, total }) => [users.length, total])).toEqual([[3, 7], [3, 7], [1, 7], [0, 7]]) // prettier-ignore
    expect(pages.flatMap(({ users }) => users.map(({ id }) => id))).toEqual(made.map(({ id }) => id).toReversed())
    expect((await find('näme 3')).users.map(({ id }) => id)).toEqual([made[3]!.id])
    expect((await find(made[2]!.id)).users.map(({ id }) => id)).toEqual([made[2]!.id])
    expect((await find('_%', 1, 100)).total).toBe(7)
    for (const nothing of ['list-%', '\0', '\ud800', "' or true --", '\\']) expect((await find(nothing)).total, nothing).toBe(0)
  })

  test('the first user: again with the same address gives the same user another password', async () => {
    const admin = scopes.app('service_role')
    const first = await auth.createFirstUser(admin, { email: 'Owner@Example.com' })
    expect(first.password).toMatch(/^[A-Za-z0-9]{16}$/)
    const { user } = await signIn('owner@example.com', first.password)
    expect(user.userMetadata).toMatchObject({ role: 'admin' })
    const again = await auth.createFirstUser(admin, { email: 'owner@example.com', password: 'given by the step' })
    expect(again.userId).toBe(first.userId)
    await signIn('owner@example.com', 'given by the step')
    const passwordHash = auth.hashPassword('hashed before')
    await auth.createFirstUser(admin, { email: 'second@example.com', password: 'hashed before', passwordHash })
    await signIn('second@example.com', 'hashed before')
  })
})

describe('a tenant’s own SQL on auth.users', () => {
  const trigger = (when: string, body: string, table = 'users') => `
    create or replace function public.hook() returns trigger language plpgsql security definer set search_path = '' as $$ begin ${body} end $$;
    create or replace trigger hook ${when} on auth.${table} for each row execute function public.hook()`
  const drop = () => project.runAsOwner('drop function public.hook() cascade')

  test('that raises makes a coded error, with what it said for those who may know', async () => {
    await project.runAsOwner(trigger('after insert', `raise exception 'not today' using hint = 'come back';`))
    const error = await auth.signUp(scopes.app(), { email: newEmail(), password, client }).catch((refusal: unknown) => refusal)
    expect(error).toMatchObject({
      code: 'auth.database_error',
      message: 'Database error saving new user',
      details: { sqlState: 'P0001', message: 'not today', hint: 'come back' },
    })
    await expectCode(auth.createUser(scopes.member(), { email: newEmail() }), 'auth.database_error')
    await drop()
  })

  test('that swallows rows, on any table', async () => {
    for (const table of ['users', 'identities', 'sessions', 'refresh_tokens', 'mfa_amr_claims']) {
      await project.runAsOwner(trigger('before insert', 'return null;', table))
      const outcome = await codeOf(auth.signUp(scopes.app(), { email: newEmail(), password, client }))
      expect(outcome, table).toMatch(table === 'mfa_amr_claims' ? /done/ : /^auth\.database_error$/)
      await drop()
    }
    const { session, user } = await signUp()
    await project.runAsOwner(trigger('before update or delete', 'return null;', 'refresh_tokens'))
    await expectCode(auth.refreshSession(scopes.app(), { refreshToken: session.refreshToken, client }), 'auth.database_error')
    await drop()
    await project.runAsOwner(trigger('before delete', 'return null;'))
    await expectCode(auth.deleteUser(scopes.member(), { userId: user.id }), 'auth.database_error')
    await drop()
  })

  test('that changes the new user is seen in the answer and in the token', async () => {
    await project.runAsOwner(
      trigger(
        'after insert',
        `update auth.users set raw_app_meta_data = raw_app_meta_data || '{"plan":"trial"}' where id = new.id; return new;`,
      ),
    )
    const { user, session } = await signUp()
    expect(user.appMetadata).toMatchObject({ plan: 'trial', provider: 'email' })
    expect(scopes.tokens.verify(session.accessToken).app_metadata).toMatchObject({ plan: 'trial' })
    await drop()
  })

  test('that sleeps is cut off', { timeout: 20_000 }, async () => {
    await project.runAsOwner(trigger('before insert', 'perform pg_catalog.pg_sleep(60); return new;'))
    expect(await codeOf(auth.signUp(scopes.app(), { email: newEmail(), password, client }))).toMatch(
      /^(auth\.database_error|database\.\w+)$/,
    )
    await drop()
  })

  test('that holds on to a user makes deleting a coded error', async () => {
    const { user } = await signUp()
    await project.runAsOwner(`create table public.kept (id uuid references auth.users (id)); insert into public.kept values ('${user.id}')`)
    await expectCode(auth.deleteUser(scopes.member(), { userId: user.id }), 'auth.database_error')
    await auth.getUserById(scopes.member(), user.id)
  })

  test('rows that only SQL could write are answered all the same', async () => {
    const { user, email } = await signUp()
    await project.runAsOwner(`
      update auth.users set raw_user_meta_data = 'null', raw_app_meta_data = '"x"', created_at = '-infinity', updated_at = null,
        banned_until = '-infinity', phone = '', email_confirmed_at = '200000-01-01', role = 'superuser', aud = null, instance_id = null
      where id = '${user.id}';
      update auth.identities set identity_data = '[]', created_at = 'infinity' where user_id = '${user.id}';
      insert into auth.users (email) values (null), ('UPPER@Example.com');`)
    const answer = await signIn(email)
    expect(scopes.tokens.verify(answer.accessToken)).toMatchObject({ role: 'anon', aud: 'authenticated', app_metadata: {} })
    const { users } = await auth.listUsers(scopes.member(), { page: 1, perPage: 1000 })
    expect(users.every(({ createdAt }) => !Number.isNaN(createdAt.getTime()))).toBe(true)
    await project.runAsOwner(`update auth.users set banned_until = 'infinity' where id = '${user.id}'`)
    await expectCode(signIn(email), 'auth.user_banned')
  })
})
