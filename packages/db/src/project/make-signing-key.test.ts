import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeSigningKey, parseSigningKey } from './make-signing-key.ts'
import { createSigningKey } from './signing-key.ts'
import { parseToken } from './token-signature.ts'

const claims = { role: 'authenticated', sub: 'user', exp: 9_999_999_999 } as const
const toJwk = (key: KeyObject) => key.export({ format: 'jwk' }) as Record<string, unknown>
const elliptic = toJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const rsa = toJwk(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)

describe.each(['ES256', 'RS256'] as const)('a new %s key', (algorithm) => {
  test('signs what its public half verifies, and is published without its secret', async () => {
    const made = await makeSigningKey(algorithm)
    const key = createSigningKey({ ...made, isImported: false })
    const token = key.sign(claims)
    const [header, , signature] = token.split('.') as [string, string, string]
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: algorithm, kid: made.kid, typ: 'JWT' })
    expect(key.hasSigned(parseToken(token))).toBe(true)
    const publicKey = createPublicKey({ key: { ...made.publicJwk }, format: 'jwk' })
    const text = Buffer.from(token.slice(0, token.lastIndexOf('.')))
    expect(verify('sha256', text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true)
    expect(made.publicJwk).toMatchObject({ alg: algorithm, use: 'sig', key_ops: ['verify'], kid: made.kid })
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(made.publicJwk).not.toHaveProperty(secret)
  })
})

test('every ES256 token has the one signature that is taken for a key of ours, and either for one that others have', async () => {
  const made = await makeSigningKey('ES256')
  const key = createSigningKey({ ...made, isImported: false })
  const imported = createSigningKey({ ...made, isImported: true })
  for (let index = 0; index < 50; index += 1) {
    const parsed = parseToken(key.sign({ ...claims, sub: `user ${index}` }))
    const bytes = Buffer.from(parsed.signature, 'base64url')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const second = (order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)).toString(16).padStart(64, '0')
    const twin = { ...parsed, signature: Buffer.concat([bytes.subarray(0, 32), Buffer.from(second, 'hex')]).toString('base64url') }
    expect([key.hasSigned(parsed), key.hasSigned(twin)]).toEqual([true, false])
    expect([imported.hasSigned(parsed), imported.hasSigned(twin)]).toEqual([true, true])
  }
})

test('an imported key keeps its id, or gets one', () => {
  expect(parseSigningKey({ ...rsa, kid: 'mine', alg: 'RS256', use: 'sig', key_ops: ['sign', 'verify'], ext: true })).toMatchObject({
    kid: 'mine',
    algorithm: 'RS256',
    publicJwk: { kty: 'RSA', kid: 'mine', n: rsa.n, e: 'AQAB' },
  })
  expect(parseSigningKey(elliptic)).toMatchObject({ algorithm: 'ES256', kid: expect.stringMatching(/^[0-9a-f-]{36}$/) })
})

const other = toJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
const UNUSABLE: [name: string, jwk: Record<string, unknown>][] = [
  ['nothing', {}],
  ['a shared secret', { kty: 'oct', k: 'c2VjcmV0' }],
  ['a public key', { ...elliptic, d: undefined }],
  ['another curve', toJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)],
  ['Ed25519', toJwk(generateKeyPairSync('ed25519').privateKey)],
  ['a small RSA key', toJwk(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)],
  ['an RSA key with exponent 3', toJwk(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey)],
  ['another algorithm', { ...rsa, alg: 'PS256' }],
  ['the algorithm of the other kind', { ...elliptic, alg: 'RS256' }],
  ['one for encryption', { ...rsa, use: 'enc' }],
  ['one that only verifies', { ...rsa, key_ops: ['verify'] }],
  ['a kid that is a number', { ...rsa, kid: 7 }],
  ['an empty kid', { ...rsa, kid: '' }],
  ['a kid with a line break', { ...rsa, kid: 'a\nb' }],
  ['halves of two keys', { ...elliptic, x: other.x, y: other.y }],
  ['broken numbers', { ...rsa, n: 'AAAA' }],
  ['numbers that are none', { ...rsa, n: 5 }],
]

test.each(UNUSABLE)('refuses %s', (_name, jwk) => {
  expect(() => parseSigningKey(jwk)).toThrow(expect.objectContaining({ code: 'auth.signing_key_invalid' }))
})
