import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { isServiceError } from '@polder/core'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createProjectTokens } from './project-tokens.ts'
import { findTokenRejection } from './token-rejection.ts'

const REF = 'abcdefghijklmnopqrst'
const ISSUER = `http://localhost:8000/projects/${REF}/auth/v1`
const SECRET = 'the-secret-of-this-project-0123456789'
const tokens = createProjectTokens({ ref: REF, issuer: ISSUER, secret: SECRET })
const now = Math.floor(Date.now() / 1000)
const good = { iss: ISSUER, ref: REF, role: 'authenticated' as const, sub: 'user', iat: now, exp: now + 3600 }

type Part = string | object

function part(value: Part): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** A token with any header and payload, signed as told. */
function forge(payload: Part, { header = { alg: 'HS256', typ: 'JWT' } as Part, secret = SECRET, hash = 'sha256' } = {}): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
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
const [head, body, signature] = genuine.split('.') as [string, string, string]
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const rs256 = `${part({ alg: 'RS256', typ: 'JWT' })}.${body}`
const lastChanged = signature.slice(0, -1) + String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)

const FORGED: [name: string, token: string, reason: string][] = [
  ['empty', '', 'malformed'],
  ['one part', 'abc', 'malformed'],
  ['two parts', `${head}.${body}`, 'malformed'],
  ['four parts', `${genuine}.x`, 'malformed'],
  ['five parts (JWE)', `${genuine}.x.y`, 'malformed'],
  ['no signature', `${head}.${body}.`, 'malformed'],
  ['white space around', ` ${genuine}`, 'malformed'],
  ['line break at the end', `${genuine}\n`, 'malformed'],
  ['padding', `${head}.${body}.${signature}=`, 'malformed'],
  ['base64 alphabet', `${head}.${body}.${'+/'.repeat(21)}A`, 'malformed'],
  ['longer than 8 KB', forge({ ...good, x: 'x'.repeat(8_192) }), 'malformed'],
  ['header is not JSON', forge(good, { header: 'hello' }), 'malformed'],
  ['header is an array', forge(good, { header: '[]' }), 'malformed'],
  ['payload is an array', forge('[{"role":"service_role"}]'), 'malformed'],
  ['payload is null', forge('null'), 'malformed'],
  ['payload is a string', forge('"service_role"'), 'malformed'],
  ['payload is broken UTF-8', `${head}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature}`, 'malformed'],
  ['alg none', `${part({ alg: 'none' })}.${body}.${signature}`, 'algorithm'],
  ['alg NONE without signature', `${part({ alg: 'NONE' })}.${body}.`, 'algorithm'],
  ['alg missing', forge(good, { header: { typ: 'JWT' } }), 'algorithm'],
  ['alg hs256', forge(good, { header: { alg: 'hs256' } }), 'algorithm'],
  ['alg an array', forge(good, { header: { alg: ['HS256'] } }), 'algorithm'],
  ['HS512 with our secret', forge(good, { header: { alg: 'HS512' }, hash: 'sha512' }), 'algorithm'],
  ['RS256', `${rs256}.${createSign('sha256').update(rs256).sign(privateKey, 'base64url')}`, 'algorithm'],
  ['crit', forge(good, { header: { alg: 'HS256', crit: ['exp'] } }), 'algorithm'],
  ['b64 false', forge(good, { header: { alg: 'HS256', b64: false } }), 'algorithm'],
  ['JWE header', forge(good, { header: { alg: 'HS256', enc: 'A256GCM' } }), 'algorithm'],
  ['other type', forge(good, { header: { alg: 'HS256', typ: 'dpop+jwt' } }), 'algorithm'],
  ['other secret', forge(good, { secret: 'another' }), 'signature'],
  ['empty secret', forge(good, { secret: '\0' }), 'signature'],
  ['changed payload', `${head}.${part({ ...good, role: 'service_role' })}.${signature}`, 'signature'],
  ['changed last character, same bytes', `${head}.${body}.${lastChanged}`, 'signature'],
  ['signature cut', `${head}.${body}.${signature.slice(0, -1)}`, 'signature'],
  ['own key in the header', forge(good, { header: { alg: 'HS256', jwk: { kty: 'oct', k: part('x') } }, secret: 'x' }), 'signature'],
  ['no exp', forge({ ...good, exp: undefined }), 'claim exp'],
  ['exp null', forge({ ...good, exp: null }), 'claim exp'],
  ['exp a string', forge({ ...good, exp: String(good.exp) }), 'claim exp'],
  ['exp 1e300', forge(JSON.stringify(good).replace(`"exp":${good.exp}`, '"exp":1e300')), 'claim exp'],
  ['exp 1e999', forge(JSON.stringify(good).replace(`"exp":${good.exp}`, '"exp":1e999')), 'claim exp'],
  ['exp negative', forge({ ...good, exp: -1 }), 'claim exp'],
  ['exp an array', forge({ ...good, exp: [good.exp] }), 'claim exp'],
  ['past', forge({ ...good, exp: now - 60 }), 'expired'],
  ['exp 0', forge({ ...good, exp: 0 }), 'expired'],
  ['nbf ahead', forge({ ...good, nbf: now + 60 }), 'not_yet_valid'],
  ['nbf a string', forge({ ...good, nbf: '0' }), 'claim nbf'],
  ['iat tomorrow', forge({ ...good, iat: now + 86_400 }), 'issued_in_future'],
  ['iat a string', forge({ ...good, iat: 'now' }), 'claim iat'],
  ['no role', forge({ ...good, role: undefined }), 'claim role'],
  ['role postgres', forge({ ...good, role: 'postgres' }), 'claim role'],
  ['role of a login', forge({ ...good, role: `project_${REF}_owner` }), 'claim role'],
  ['role with SQL', forge({ ...good, role: 'anon"; reset role; --' }), 'claim role'],
  ['role an array', forge({ ...good, role: ['service_role'] }), 'claim role'],
  ['role toString', forge({ ...good, role: 'toString' }), 'claim role'],
  ['sub a number', forge({ ...good, sub: 1 }), 'claim sub'],
  ['ref of another project', forge({ ...good, ref: 'zzzzzzzzzzzzzzzzzzzz' }), 'claim ref'],
  ['ref an array', forge({ ...good, ref: [REF] }), 'claim ref'],
  ['issuer of another project', forge({ ...good, iss: ISSUER.replace(REF, 'zzzzzzzzzzzzzzzzzzzz') }), 'claim iss'],
  ['issuer an object', forge({ ...good, iss: {} }), 'claim iss'],
]

describe('project tokens', () => {
  test.each(FORGED)('refuses: %s', (_name, token, reason) => {
    expect(reasonOf(token)).toBe(reason)
    expect(reasonOf(token)).toBe(reason)
  })

  test('accepts what it signed, and tokens of others that hold its secret', () => {
    expect(tokens.verify(genuine)).toEqual(good)
    expect(tokens.verify(forge({ role: 'anon', exp: now + 60 }))).toEqual({ role: 'anon', exp: now + 60 })
    expect(tokens.verify(forge({ iss: 'supabase', role: 'service_role', exp: now + 60 }, { header: { alg: 'HS256' } })).role).toBe(
      'service_role',
    )
    expect(tokens.verify(forge({ ...good, exp: now - 2 })).sub).toBe('user')
    // The last of two equal keys counts, for the check and for the policies alike: what is checked is what is used.
    const twice = tokens.verify(forge(`{"role":"anon","exp":${now + 60},"role":"authenticated"}`))
    expect(twice.role).toBe('authenticated')
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
    const few = createProjectTokens({ ref: REF, issuer: ISSUER, secret: SECRET, maxRemembered: 3 })
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
