import { isServiceError, type ProjectClaims } from '@polder/core'
import { describe, expect, test } from 'vitest'
import { createAppCallers, type RestAccess } from './app-callers.ts'
import { makeProjectKeys } from './project-keys.ts'
import { createSecretSigningKeys } from './project-signing-keys.ts'
import { createProjectTokens } from './project-tokens.ts'
import { signWithSecret } from './signing-key.ts'

const ref = 'abcdefghijklmnopqrst'
const issuer = `http://localhost:8000/projects/${ref}/auth/v1`
const jwtSecret = 'the-secret-of-this-project-0123456789'
const tokens = createProjectTokens({ ref, issuer, keys: createSecretSigningKeys(jwtSecret) })
const keys = makeProjectKeys({ ref, issuer, jwtSecret })
const callers = createAppCallers({ tokens, keys })
const administrator = signWithSecret({ role: 'supabase_admin' as 'anon', sub: '1234567890' }, jwtSecret)

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'none'
  } catch (error) {
    if (isServiceError(error)) return error.code
    throw error
  }
}

describe('the door of the auth service', () => {
  test('takes supabase_admin for the service role, with no end', () => {
    expect(callers.require(keys.anonKey, `Bearer ${administrator}`, 'auth')).toMatchObject({ role: 'service_role', hasUserToken: true })
    expect(callers.require(keys.anonKey, `Bearer ${administrator}`, 'auth').claims.sub).toBe('1234567890')
  })

  test('and no other door does, also not after it', () => {
    callers.require(keys.anonKey, `Bearer ${administrator}`, 'auth')
    for (const door of [undefined, 'open'] as const) {
      expect(codeOf(() => callers.require(keys.anonKey, `Bearer ${administrator}`, door))).toBe('access.jwt_invalid')
      expect(codeOf(() => callers.require(administrator, undefined, door))).toBe('access.key_invalid')
    }
  })

  test('takes no end and no other role from anybody else', () => {
    for (const role of ['anon', 'authenticated', 'service_role', 'postgres']) {
      const endless = signWithSecret({ role: role as 'anon' }, jwtSecret)
      expect(codeOf(() => callers.require(keys.anonKey, `Bearer ${endless}`, 'auth'))).toBe('access.jwt_invalid')
    }
    const forged = signWithSecret({ role: 'supabase_admin' as 'anon' }, 'another secret')
    expect(codeOf(() => callers.require(keys.anonKey, `Bearer ${forged}`, 'auth'))).toBe('access.jwt_invalid')
    const past = signWithSecret({ role: 'supabase_admin' as 'anon', exp: 1 }, jwtSecret)
    expect(codeOf(() => callers.require(keys.anonKey, `Bearer ${past}`, 'auth'))).toBe('access.jwt_expired')
  })
})

describe('an open door', () => {
  test('lets anybody in as anon, and believes nothing that is wrong', () => {
    expect(callers.require(undefined, undefined, 'open')).toMatchObject({ role: 'anon', claims: { role: 'anon' }, hasUserToken: false })
    expect(callers.require(undefined, 'Basic Y2xpZW50OnNlY3JldA==', 'open').role).toBe('anon')
    expect(callers.require(keys.serviceRoleKey, undefined, 'open').role).toBe('service_role')
    expect(codeOf(() => callers.require('invented', undefined, 'open'))).toBe('access.key_invalid')
    expect(codeOf(() => callers.require(undefined, 'Bearer x.y.z', 'open'))).toBe('access.jwt_invalid')
  })

  test('leaves the others closed', () => {
    callers.require(undefined, undefined, 'open')
    expect(codeOf(() => callers.require(undefined, undefined))).toBe('access.key_missing')
    expect(codeOf(() => callers.require(undefined, undefined, 'auth'))).toBe('access.key_missing')
    expect(codeOf(() => callers.require(undefined, 'Basic Y2xpZW50OnNlY3JldA=='))).toBe('access.key_missing')
  })
})

describe('the door of the data API', () => {
  const bearer = (claims: object) => `Bearer ${tokens.sign({ exp: 4e9, ...claims } as ProjectClaims)}`
  const openCallers = (rest: Partial<RestAccess>) =>
    createAppCallers({ tokens, keys, rest: { anonymousRole: null, jwtAudience: null, ...rest } })

  test('is as closed as the others by itself', () => {
    for (const each of [callers, openCallers({})]) {
      expect(codeOf(() => each.require(undefined, undefined, 'rest'))).toBe('access.key_missing')
      expect(codeOf(() => each.require(undefined, bearer({}), 'rest'))).toBe('access.jwt_invalid')
    }
  })

  test('with an anonymous role, lets in who has no key and tokens that name no role; no other door does', () => {
    const open = openCallers({ anonymousRole: 'anon' })
    const nobody = open.require(undefined, undefined, 'rest')
    expect(nobody).toMatchObject({ role: 'anon', claimsJson: '{"role":"anon"}', hasUserToken: false })
    expect(open.require(undefined, undefined, 'rest')).toBe(nobody)
    const roleless = bearer({ sub: 'x' })
    expect(open.require(undefined, roleless, 'rest')).toMatchObject({ role: 'anon', claims: { sub: 'x', role: 'anon' } })
    for (const door of [undefined, 'auth'] as const) {
      expect(codeOf(() => open.require(undefined, undefined, door))).toBe('access.key_missing')
      expect(codeOf(() => open.require(undefined, roleless, door))).toBe('access.jwt_invalid')
    }
    expect(open.require(keys.anonKey, bearer({ role: 'authenticated' }), 'rest').role).toBe('authenticated')
    expect(codeOf(() => open.require('nonsense', undefined, 'rest'))).toBe('access.key_invalid')
  })

  test('with an audience, keeps out tokens for others; keys name none', () => {
    const open = openCallers({ jwtAudience: 'shop' })
    const accepted = ['shop', ['shop'], ['other', 'shop'], [], null, undefined]
    for (const aud of accepted) expect(open.require(undefined, bearer({ role: 'authenticated', aud }), 'rest').role).toBe('authenticated')
    for (const aud of ['', 'other', ['other'], ['Shop', 'shop ']]) {
      const token = bearer({ role: 'authenticated', aud })
      expect(open.require(undefined, token).role).toBe('authenticated')
      expect(codeOf(() => open.require(undefined, token, 'rest'))).toBe('access.jwt_invalid')
    }
    expect(open.require(keys.anonKey, undefined, 'rest').role).toBe('anon')
    expect(open.require(keys.secretKey, undefined, 'rest').role).toBe('service_role')
  })
})

test('opaque keys outlive the secret that signed the JWTs they stand for; the JWTs do not', () => {
  const other = createProjectTokens({ ref, issuer, keys: createSecretSigningKeys('quite another secret of this project') })
  const later = createAppCallers({ tokens: other, keys })
  expect(later.require(keys.publishableKey, undefined)).toMatchObject({ role: 'anon', claims: { role: 'anon', ref, iss: issuer } })
  expect(later.require(keys.secretKey, undefined)).toMatchObject({ role: 'service_role', hasUserToken: false })
  for (const jwt of [keys.anonKey, keys.serviceRoleKey]) expect(codeOf(() => later.require(jwt, undefined))).toBe('access.key_invalid')
})

test('the same credentials are the same caller', () => {
  const token = `Bearer ${tokens.sign({ role: 'authenticated', sub: 'x', exp: 9_999_999_999 })}`
  expect(callers.require(keys.anonKey, token)).toBe(callers.require(keys.anonKey, token))
  expect(callers.require(keys.anonKey, token, 'auth')).toBe(callers.require(keys.anonKey, token, 'auth'))
  expect(callers.require(keys.anonKey, undefined).hasUserToken).toBe(false)
  expect(callers.require(keys.anonKey, `Bearer ${keys.anonKey}`).hasUserToken).toBe(false)
})
