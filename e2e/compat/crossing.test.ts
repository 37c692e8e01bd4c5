import { beforeAll, describe, expect, test } from 'vitest'
import { createApp, loadShop, openPolder, openSupabase, signUpUser, type App, type Polder } from '../server/platform.ts'

let polder: Polder
let alpha: App
let beta: App
let ada: Awaited<ReturnType<typeof signUpUser>>

beforeAll(async () => {
  polder = await openPolder('crossing@e2e.test')
  ;[alpha, beta] = await Promise.all([createApp(polder, 'alpha'), createApp(polder, 'beta')])
  await Promise.all([loadShop(polder, alpha), loadShop(polder, beta)])
  ada = await signUpUser(alpha, 'ada@crossing.test', 'only in alpha')
})

const knock = (app: App, path: string, headers: Record<string, string>, method = 'GET') => fetch(`${app.url}${path}`, { method, headers })

describe('what belongs to project alpha opens nothing in project beta', () => {
  const doors = [
    '/rest/v1/products?select=id',
    '/rest/v1/',
    '/rest/v1/rpc/whoami',
    '/auth/v1/user',
    '/auth/v1/admin/users',
    '/auth/v1/settings',
  ]

  test.each(doors)('keys and tokens at %s', async (path) => {
    for (const stranger of [alpha.anonKey, alpha.serviceKey, ada.session.access_token]) {
      expect((await knock(beta, path, { apikey: stranger })).status, 'as apikey').toBe(401)
      const withOwnKey = await knock(beta, path, { apikey: beta.anonKey, authorization: `Bearer ${stranger}` })
      expect([401, 403], 'as bearer').toContain(withOwnKey.status)
      expect([401, 403], 'alone').toContain((await knock(beta, path, { authorization: `Bearer ${stranger}` })).status)
    }
  })

  test('a user signs in only where they signed up', async () => {
    const { error } = await openSupabase(beta).auth.signInWithPassword({ email: 'ada@crossing.test', password: 'only in alpha' })
    expect(error?.code).toBe('invalid_credentials')
    const refreshed = await openSupabase(beta).auth.refreshSession({ refresh_token: ada.session.refresh_token })
    expect(refreshed.error?.code).toBe('refresh_token_not_found')
  })

  test('the same address is another user in the other project', async () => {
    const twin = await signUpUser(beta, 'ada@crossing.test', 'another password')
    expect(twin.user.id).not.toBe(ada.user.id)
    const users = await openSupabase(beta, beta.serviceKey).auth.admin.listUsers()
    expect(users.data.users.map((user) => user.id)).not.toContain(ada.user.id)
  })

  test('rows written to one are not in the other', async () => {
    await ada.supabase.from('orders').insert({ note: 'alpha only' }).throwOnError()
    const orders = await openSupabase(beta, beta.serviceKey).from('orders').select('note')
    expect(orders.data).not.toContainEqual({ note: 'alpha only' })
  })

  test('SQL of its owner does not reach the neighbour or the platform', async () => {
    const run = (sql: string) => polder.project(alpha.ref).database.runSql({ sql })
    for (const sql of [
      `set role "project_${beta.ref}_owner"`,
      'select * from pg_authid',
      `alter role "project_${beta.ref}_owner" password 'mine'`,
      `drop database "project_${beta.ref}"`,
      `copy (select 1) to program 'id'`,
      `select pg_read_file('/etc/passwd')`,
      'create extension dblink',
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'project_${beta.ref}'`,
    ]) {
      expect((await run(sql)).failure, sql).not.toBeNull()
    }
    expect((await openSupabase(beta).from('products').select('id').limit(1)).data).toHaveLength(1)
  })
})

describe('another account', () => {
  test('gets the same answer for a project that is not its own and for one that is not there', async () => {
    const stranger = await openPolder('stranger@e2e.test')
    const ask = async (ref: string) => {
      const error = await stranger
        .project(ref)
        .projects.get()
        .catch((thrown: { code: string; message: string }) => thrown)
      return { code: (error as { code: string }).code, message: (error as { message: string }).message }
    }
    const notMine = await ask(alpha.ref)
    expect(notMine.code).toBe('project.not_found')
    expect(await ask('aaaaaaaaaaaaaaaaaaaa')).toEqual(notMine)
    expect((await stranger.projects.list()).map((project) => project.ref)).not.toContain(alpha.ref)
  })
})

describe('hostile spellings of the address', () => {
  test.each([
    '/projects/%2e%2e/rest/v1/products',
    '/projects/__proto__/rest/v1/products',
    '/projects/ALPHA/rest/v1/products',
    '/projects/a%00b/rest/v1/x',
    '/projects//rest/v1/x',
  ])('%s answers 4xx', async (path) => {
    const base = new URL(alpha.url).origin
    const { status } = await fetch(base + path, { headers: { apikey: alpha.anonKey } })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })
})
