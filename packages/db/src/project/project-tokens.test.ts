import { createHmac } from 'node:crypto'
import { isServiceError } from '@polder/core'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { forgeTokens } from '../testing/forged-tokens.ts'
import { makeSigningKey } from './make-signing-key.ts'
import { createProjectSigningKeys, createSecretSigningKeys } from './project-signing-keys.ts'
import { createProjectTokens } from './project-tokens.ts'
import { findTokenRejection } from './token-rejection.ts'

const REF = 'abcdefghijklmnopqrst'
const ISSUER = `http://localhost:8000/projects/${REF}/auth/v1`
const SECRET = 'the-secret-of-this-project-0123456789'
const secret = { kid: 'shared', algorithm: 'HS256', isImported: false, publicJwk: null, secret: SECRET } as const
const elliptic = { ...(await makeSigningKey('ES256')), isImported: false }
const rsa = { ...(await makeSigningKey('RS256')), isImported: false }
const revoked = [
  { ...secret, kid: 'old', secret: 'the-secret-of-former-times-0123456789' },
  { ...(await makeSigningKey('ES256')), isImported: false },
]
const keys = createProjectSigningKeys([
  { ...secret, status: 'in_use' },
  { ...elliptic, status: 'standby' },
  { ...rsa, status: 'previously_used' },
  ...revoked.map((key) => ({ ...key, status: 'revoked' as const })),
])
const tokens = createProjectTokens({ ref: REF, issuer: ISSUER, keys })
const FORGED = [
  ...forgeTokens({ ref: REF, issuer: ISSUER, secret, elliptic, rsa, revoked }),
  ['white space around', ` ${tokens.sign({ role: 'anon', exp: 9_999_999_999 })}`, 'malformed'],
  ['line break at the end', `${tokens.sign({ role: 'anon', exp: 9_999_999_999 })}\n`, 'malformed'],
] as const
const now = Math.floor(Date.now() / 1000)
const good = { iss: ISSUER, ref: REF, role: 'authenticated' as const, sub: 'user', iat: now, exp: now + 3600 }

function part(value: string | object): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** A token with any payload, signed with the secret. */
function forge(payload: string | object, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}

function reasonOf(token: string): string {
  try {
    tokens.verify(token)
    return 'accepted'
  } catch (error) {
    const rejection = findTokenRejection(error)
    if (rejection === undefined) throw error
    return rejection.claim === undefined ? rejection.reason : `${rejection.reason} ${rejection.claim}`
  }
}

const genuine = tokens.sign(good)

describe('project tokens', () => {
  test.each(FORGED)('refuses: %s', (_name, token, reason) => {
    expect(reasonOf(token)).toBe(reason)
    expect(reasonOf(token)).toBe(reason)
  })

  test('accepts what it signed, and tokens of others that hold its secret', () => {
    expect(tokens.verify(genuine)).toEqual(good)
    expect(tokens.verify(forge({ role: 'anon', exp: now + 60 }))).toEqual({ role: 'anon', exp: now + 60 })
    expect(tokens.verify(forge({ iss: 'supabase', role: 'service_role', exp: now + 60 }, { alg: 'HS256' })).role).toBe('service_role')
    expect(tokens.verify(forge({ ...good, exp: now - 2 })).sub).toBe('user')
    // Supabase's own name a key that only Supabase knows.
    expect(tokens.verify(forge(good, { alg: 'HS256', typ: 'JWT', kid: 'yDrSxu4HHJJQVvUo' }))).toEqual(good)
  })

  test('claims named like parts of an object are claims', () => {
    const claims = tokens.verify(forge(`{"role":"anon","exp":${now + 60},"__proto__":{"sub":"x"},"constructor":1}`))
    expect(claims.sub).toBeUndefined()
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype)
  })

  test('a remembered token ends when its time is over', () => {
    vi.useFakeTimers({ now: now * 1000 })
    try {
      const token = tokens.sign({ ...good, exp: now + 30 })
      expect(reasonOf(token)).toBe('accepted')
      vi.setSystemTime((now + 34) * 1000)
      expect(reasonOf(token)).toBe('accepted')
      vi.setSystemTime((now + 36) * 1000)
      expect(reasonOf(token)).toBe('expired')
      expect(reasonOf(token)).toBe('expired')
    } finally {
      vi.useRealTimers()
    }
  })

  test('remembers no more than it may, and nobody can change what it remembers', () => {
    const few = createProjectTokens({ ref: REF, issuer: ISSUER, keys: createSecretSigningKeys(SECRET), maxRemembered: 3 })
    const many = Array.from({ length: 10 }, (_, index) => few.sign({ ...good, sub: `user ${index}` }))
    for (const token of [...many, ...many]) expect(few.verify(token).role).toBe('authenticated')
    const claims = few.verify(few.sign({ ...good, app_metadata: { admin: false } }))
    expect(() => Object.assign(claims, { role: 'service_role' })).toThrow(TypeError)
    expect(() => Object.assign(claims.app_metadata as object, { admin: true })).toThrow(TypeError)
  })

  test('no change of any character, and no invented text, is accepted', () => {
    fc.assert(
      fc.property(fc.nat(genuine.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        fc.pre(genuine[at] !== character)
        expect(reasonOf(genuine.slice(0, at) + character + genuine.slice(at + 1))).not.toBe('accepted')
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => forge(text)),
          fc.jsonValue().map((value) => forge(JSON.stringify(value))),
        ),
        (token) => {
          expect(reasonOf(token)).not.toBe('accepted')
        },
      ),
      { numRuns: 500 },
    )
  })

  test('errors are coded, and say nothing of the secret', () => {
    for (const [, token] of FORGED) {
      try {
        tokens.verify(token)
      } catch (error) {
        expect(isServiceError(error, 'access.jwt_invalid') || isServiceError(error, 'access.jwt_expired')).toBe(true)
        expect(String(error)).not.toContain(SECRET)
      }
    }
  })
})
