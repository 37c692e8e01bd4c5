import { insertSigningKey, makeSigningKey, signWithSecret } from '@polder/db'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestGateway, type TestGateway } from './testing/test-gateway.ts'

let gateway: TestGateway
let base: string

beforeAll(async () => {
  gateway = await openTestGateway()
  const { alpha, cluster } = gateway
  base = `/projects/${alpha.ref}/auth/v1`
  await cluster.platform.updateTable('signing_keys').set({ status: 'previously_used' }).where('ref', '=', alpha.ref).execute()
  for (const [algorithm, status] of [
    ['ES256', 'in_use'],
    ['RS256', 'standby'],
    ['RS256', 'revoked'],
  ] as const) {
    await insertSigningKey(cluster.platform, cluster.box, alpha.ref, { ...(await makeSigningKey(algorithm)), status, isImported: false })
  }
})
afterAll(() => gateway?.[Symbol.asyncDispose]())

test('jwks.json has the public keys that verify, for everybody and for a while, and with it anybody verifies a session', async () => {
  const { app, alpha } = gateway
  const answer = await app.inject({ url: `${base}/.well-known/jwks.json` })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['cache-control']).toBe('public, max-age=600')
  const jwks = answer.json<{ keys: { alg: string }[] }>()
  expect(jwks.keys.map(({ alg }) => alg).toSorted()).toEqual(['ES256', 'RS256'])
  for (const secret of ['"d"', '"k"', '"p"', 'oct']) expect(answer.body).not.toContain(secret)

  const signUp = await app.inject({
    method: 'POST',
    url: `${base}/signup`,
    headers: { apikey: alpha.keys.publishableKey },
    payload: { email: 'ada@example.com', password: 'correct horse' },
  })
  const { access_token: token, user } = signUp.json<{ access_token: string; user: { id: string } }>()
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks as never), { audience: 'authenticated' })
  expect(protectedHeader.alg).toBe('ES256')
  expect(payload).toMatchObject({ sub: user.id, role: 'authenticated' })
})

test('a project of a shared secret alone lists no key', async () => {
  const answer = await gateway.app.inject({ url: `/projects/${gateway.beta.ref}/auth/v1/.well-known/jwks.json` })
  expect(answer.json()).toEqual({ keys: [] })
})

test('a supabase_admin is an administrator of users, with a token that never ends', async () => {
  const { app, alpha } = gateway
  const token = signWithSecret({ role: 'supabase_admin' as 'service_role', sub: '1234567890' }, alpha.jwtSecret)
  const headers = { apikey: alpha.keys.anonKey, authorization: `Bearer ${token}` }
  const { users } = (await app.inject({ url: `${base}/admin/users`, headers })).json<{ users: { id: string }[] }>()
  expect((await app.inject({ method: 'DELETE', url: `${base}/admin/users/${users[0]!.id}`, headers })).json()).toEqual({})
  const abroad = await app.inject({ url: `/projects/${gateway.beta.ref}/auth/v1/admin/users`, headers })
  expect(abroad.statusCode).toBe(401)
})
