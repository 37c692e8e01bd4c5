import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Services } from '../services.ts'
import { decodeHeader, signAs } from '../testing/sign-as.ts'
import { openTestServer, untilEnded, type TestAccount, type TestServer } from '../testing/test-server.ts'

let server: TestServer
let services: Services
let other: Services
let owner: TestAccount
let ref: string

beforeAll(async () => {
  server = await openTestServer()
  ;[services, other] = [await server.start(), await server.start()]
  owner = await server.createAccount('owner')
})
afterAll(() => server?.[Symbol.asyncDispose]())

beforeEach(async () => {
  const { project } = await services.projects.create(owner.actor, { organizationId: server.cluster.organizationId, name: 'Keys' })
  ref = project.ref
  await untilEnded(server, ref)
})

const keys = () => services.signingKeys

/** Does it, and waits until both processes have heard of it: a second at most. */
async function change<Result>(work: (keys: Services['signingKeys']) => Promise<Result>): Promise<Result> {
  const tokensOf = async (of: Services) => (await open(of, (await services.projects.getConnection(ref)).publishableKey)).tokens
  const before = [await tokensOf(services), await tokensOf(other)]
  const result = await work(services.signingKeys)
  for (const [index, of] of [services, other].entries()) {
    await expect.poll(async () => (await tokensOf(of)) !== before[index], { timeout: 1000, interval: 5 }).toBe(true)
  }
  return result
}
const statuses = async () => (await keys().list(ref)).map(({ algorithm, status }) => `${algorithm} ${status}`)
const anonKey = async () => (await services.projects.getConnection(ref)).anonKey
const userClaims = { role: 'authenticated', sub: '11111111-1111-4111-8111-111111111111' } as const
const soon = () => Math.floor(Date.now() / 1000) + 600

async function open(of: Services, apiKey: string | undefined, token?: string) {
  const authorization = token === undefined ? undefined : `Bearer ${token}`
  return of.router.getConnection(await of.router.validateProjectAccess(ref, { kind: 'app', apiKey, authorization }))
}

const isTaken = (of: Services, token: string) => open(of, undefined, token).then(() => true, () => false) // prettier-ignore
const sign = async () => (await open(services, await anonKey())).tokens.sign({ ...userClaims, exp: soon() })

describe('a key goes its way', () => {
  test('a new project signs with its secret, and says which key that is', async () => {
    const [first, ...more] = await keys().list(ref)
    expect(first).toMatchObject({ algorithm: 'HS256', status: 'in_use', isImported: false, publicJwk: null })
    expect(more).toEqual([])
    expect(decodeHeader(await sign())).toEqual({ alg: 'HS256', kid: first!.kid, typ: 'JWT' })
    expect((await open(services, await anonKey())).tokens.publicJwks).toEqual([])
  })

  test('stands by, signs, verifies only, and ends; in every process within a second', async () => {
    const before = await sign()
    expect(await isTaken(other, before)).toBe(true)
    await change((all) => all.create(owner.actor, ref, 'ES256'))
    expect(await statuses()).toEqual(['HS256 in_use', 'ES256 standby'])
    expect((await open(other, await anonKey())).tokens.publicJwks).toHaveLength(1)
    expect(decodeHeader(await sign()).alg).toBe('HS256')

    await change((all) => all.rotate(owner.actor, ref))
    expect(await statuses()).toEqual(['HS256 previously_used', 'ES256 in_use'])
    const after = await sign()
    expect(decodeHeader(after).alg).toBe('ES256')
    for (const of of [services, other]) expect([await isTaken(of, before), await isTaken(of, after)]).toEqual([true, true])

    const oldKey = await anonKey()
    const [first] = await keys().list(ref)
    await change((all) => all.revoke(owner.actor, ref, first!.kid))
    expect(await statuses()).toEqual(['HS256 revoked', 'ES256 in_use'])
    for (const of of [services, other]) expect([await isTaken(of, before), await isTaken(of, after)]).toEqual([false, true])
    await expect(open(services, oldKey)).rejects.toMatchObject({ code: 'access.key_invalid' })
    // The API keys were signed by it, so there are new ones; the opaque ones are what they were.
    expect(decodeHeader(await anonKey()).alg).toBe('ES256')
    expect((await open(services, await anonKey())).caller).toMatchObject({ role: 'anon', hasUserToken: false })
    const { publishableKey } = await services.projects.getConnection(ref)
    expect((await open(services, publishableKey)).caller).toMatchObject({ role: 'anon' })

    await change((all) => all.reinstate(owner.actor, ref, first!.kid))
    expect(await statuses()).toEqual(['HS256 standby', 'ES256 in_use'])
    expect(await isTaken(services, before)).toBe(true)
  })

  test('not the wrong way', async () => {
    const [first] = await keys().list(ref)
    await expect(keys().rotate(owner.actor, ref)).rejects.toMatchObject({ code: 'auth.standby_key_missing' })
    await expect(keys().revoke(owner.actor, ref, first!.kid)).rejects.toMatchObject({ code: 'auth.signing_key_in_use' })
    await expect(keys().reinstate(owner.actor, ref, first!.kid)).rejects.toMatchObject({ code: 'auth.signing_key_in_use' })
    await expect(keys().revoke(owner.actor, ref, 'none')).rejects.toMatchObject({ code: 'auth.signing_key_not_found' })
    await change((all) => all.create(owner.actor, ref, 'RS256'))
    await expect(keys().create(owner.actor, ref, 'ES256')).rejects.toMatchObject({ code: 'auth.standby_key_exists' })
    await expect(keys().create(owner.actor, 'nosuchproject', 'ES256')).rejects.toMatchObject({ code: 'project.not_found' })
    expect(await statuses()).toEqual(['HS256 in_use', 'RS256 standby'])
  })

  test('of two rotations at once one finds no key', async () => {
    await change((all) => all.create(owner.actor, ref, 'ES256'))
    const ends = await Promise.allSettled([keys().rotate(owner.actor, ref), other.signingKeys.rotate(owner.actor, ref)])
    expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await statuses()).toEqual(['HS256 previously_used', 'ES256 in_use'])
  })
})

describe('keys from elsewhere', () => {
  const jwk = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid: 'from elsewhere' }

  test('a private JWK signs here, and what was signed with it elsewhere is believed, as key and as token', async () => {
    await change((all) => all.import(owner.actor, ref, jwk))
    await change((all) => all.rotate(owner.actor, ref))
    expect(decodeHeader(await sign())).toMatchObject({ alg: 'RS256', kid: 'from elsewhere' })
    const apiKey = signAs(jwk, { iss: 'supabase-demo', role: 'anon', exp: soon() })
    expect((await open(services, apiKey)).caller).toMatchObject({ role: 'anon' })
    expect(await isTaken(services, signAs(jwk, { ...userClaims, exp: soon() }))).toBe(true)
    await expect(keys().import(owner.actor, ref, jwk)).rejects.toMatchObject({ code: 'auth.signing_key_exists' })
    const listed = JSON.stringify(await keys().list(ref))
    expect(listed).toContain(jwk.n)
    expect(listed).not.toContain(jwk.d)
  })

  test('a JWT secret takes over, its tokens and keys work, and those of before until it is revoked', async () => {
    const [before, oldKey] = [await sign(), await anonKey()]
    const secret = 'super-secret-jwt-token-with-at-least-32-characters-long'
    const elsewhere = { kty: 'oct', k: Buffer.from(secret).toString('base64url') }
    const imported = signAs(elsewhere, { iss: 'supabase-demo', role: 'anon', exp: soon() })
    await expect(open(services, imported)).rejects.toMatchObject({ code: 'access.key_invalid' })
    await change((all) => all.importJwtSecret(owner.actor, ref, secret))
    expect(await statuses()).toEqual(['HS256 previously_used', 'HS256 in_use'])
    expect((await open(services, imported)).caller).toMatchObject({ role: 'anon' })
    expect(await anonKey()).not.toBe(oldKey)
    expect(await isTaken(services, signAs(elsewhere, { ...userClaims, exp: soon() }))).toBe(true)
    expect(await services.projects.revealSecret(owner.actor, ref, 'jwt_secret')).toEqual({ value: secret })
    for (const token of [before, oldKey]) expect(await isTaken(services, token)).toBe(true)

    const newKey = await anonKey()
    const [former] = await keys().list(ref)
    await change((all) => all.revoke(owner.actor, ref, former!.kid))
    for (const token of [before, oldKey]) expect(await isTaken(services, token)).toBe(false)
    expect(await anonKey()).toBe(newKey)
    await expect(keys().importJwtSecret(owner.actor, ref, secret)).rejects.toMatchObject({ code: 'auth.signing_key_exists' })
  })

  test('beside an asymmetric key in use, a JWT secret only verifies', async () => {
    await change((all) => all.create(owner.actor, ref, 'ES256'))
    await change((all) => all.rotate(owner.actor, ref))
    await change((all) => all.importJwtSecret(owner.actor, ref, 'a secret of thirty-two characters or more'))
    expect(await statuses()).toEqual(['HS256 previously_used', 'ES256 in_use', 'HS256 previously_used'])
    expect(decodeHeader(await sign()).alg).toBe('ES256')
    expect((await open(services, await anonKey())).caller.kind).toBe('app')
  })
})

test('the audit log tells each step and no secret; the database keeps none in clear', async () => {
  const secret = 'canary secret of thirty-two characters and more'
  await change((all) => all.importJwtSecret(owner.actor, ref, secret))
  await change((all) => all.create(owner.actor, ref, 'ES256'))
  await change((all) => all.rotate(owner.actor, ref))
  const { entries } = await services.projects.listAuditEntries(ref, { limit: 10 })
  const actions = entries.map(({ action }) => action).filter((action) => action.startsWith('signing_key.'))
  expect(actions).toEqual(['signing_key.rotate', 'signing_key.create', 'signing_key.import_secret'])
  const rows = await server.cluster.platform.selectFrom('signing_keys').selectAll().where('ref', '=', ref).execute()
  const everything = JSON.stringify(entries) + rows.map((row) => `${JSON.stringify(row)}${row.private_key?.toString('latin1')}`).join()
  for (const text of [secret, '"d":']) expect(everything).not.toContain(text)
})
