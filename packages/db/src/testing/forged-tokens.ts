import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { SigningKeySource } from '../project/signing-key.ts'

/** What the forger knows: the project's public facts, and keys of their own. The secrets are only used to sign what is wrong in itself. */
export interface ForgeryTarget {
  ref: string
  issuer: string
  secret: SigningKeySource
  elliptic: SigningKeySource
  rsa: SigningKeySource
  /** Keys that the project revoked. */
  revoked?: readonly SigningKeySource[]
}

/** A token that nobody may believe, and why the verifier refuses it. */
export type ForgedToken = readonly [name: string, token: string, reason: string]

type Part = string | object

interface Forgery {
  header?: Part
  hash?: string
  /** The shared secret to sign with, as text or bytes. */
  secret?: string | Buffer
}

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** Makes one of every kind, for a project with a shared secret, an elliptic and an RSA key: the same for every service. */
export function forgeTokens(target: ForgeryTarget): ForgedToken[] {
  const { ref, issuer } = target
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: issuer, ref, role: 'authenticated', sub: '11111111-1111-4111-8111-111111111111', iat: now, exp: now + 3600 }
  const secret = target.secret.secret
  const forge = (payload: Part, { header = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256', secret: key = secret }: Forgery = {}) => {
    const signed = `${part(header)}.${part(payload)}`
    return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
  }
  const genuine = forge(good)
  const [head, body, signature] = genuine.split('.') as [string, string, string]
  const other = 'zzzzzzzzzzzzzzzzzzzz'

  return [
    ['empty', '', 'malformed'],
    ['one part', 'abc', 'malformed'],
    ['two parts', `${head}.${body}`, 'malformed'],
    ['four parts', `${genuine}.x`, 'malformed'],
    ['five parts (JWE)', `${genuine}.x.y`, 'malformed'],
    ['no signature', `${head}.${body}.`, 'malformed'],
    ['padding', `${head}.${body}.${signature}=`, 'malformed'],
    ['base64 alphabet', `${head}.${body}.${'+/'.repeat(21)}A`, 'malformed'],
    ['payload with bits that say nothing', `${head}.${changePayload(good)}.${signature}`, 'malformed'],
    ['longer than 8 KB', forge({ ...good, x: 'x'.repeat(8_192) }), 'malformed'],
    ['header is not JSON', forge(good, { header: 'hello' }), 'malformed'],
    ['header is an array', forge(good, { header: '[]' }), 'malformed'],
    ['payload is an array', forge('[{"role":"service_role"}]'), 'malformed'],
    ['payload is null', forge('null'), 'malformed'],
    ['payload is a string', forge('"service_role"'), 'malformed'],
    ['payload is broken UTF-8', `${head}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature}`, 'malformed'],
    ['role twice', forge(`{"role":"anon","exp":${now + 60},"role":"service_role"}`), 'malformed'],
    ['role twice, written otherwise', forge(`{"role":"anon","exp":${now + 60},"\\u0072ole":"service_role"}`), 'malformed'],
    ['alg twice', forge(good, { header: '{"alg":"none","alg":"HS256"}' }), 'malformed'],
    ['kid a number', forge(good, { header: { alg: 'HS256', kid: 0 } }), 'malformed'],
    ['kid an array', forge(good, { header: { alg: 'HS256', kid: [target.secret.kid] } }), 'malformed'],
    ['alg none', `${part({ alg: 'none' })}.${body}.${signature}`, 'algorithm'],
    ['alg NONE without signature', `${part({ alg: 'NONE' })}.${body}.`, 'algorithm'],
    ['alg none with the kid of a key', `${part({ alg: 'none', kid: target.rsa.kid })}.${body}.`, 'algorithm'],
    ['alg missing', forge(good, { header: { typ: 'JWT' } }), 'algorithm'],
    ['alg hs256', forge(good, { header: { alg: 'hs256' } }), 'algorithm'],
    ['alg an array', forge(good, { header: { alg: ['HS256'] } }), 'algorithm'],
    ['HS512 with our secret', forge(good, { header: { alg: 'HS512' }, hash: 'sha512' }), 'algorithm'],
    ['crit', forge(good, { header: { alg: 'HS256', crit: ['exp'] } }), 'algorithm'],
    ['b64 false', forge(good, { header: { alg: 'HS256', b64: false } }), 'algorithm'],
    ['JWE header', forge(good, { header: { alg: 'HS256', enc: 'A256GCM' } }), 'algorithm'],
    ['other type', forge(good, { header: { alg: 'HS256', typ: 'dpop+jwt' } }), 'algorithm'],
    ['other secret', forge(good, { secret: 'another' }), 'signature'],
    ['empty secret', forge(good, { secret: '\0' }), 'signature'],
    ['changed payload', `${head}.${part({ ...good, role: 'service_role' })}.${signature}`, 'signature'],
    ['changed last character, same bytes', `${head}.${body}.${changeLastCharacter(signature)}`, 'signature'],
    ['signature cut', `${head}.${body}.${signature.slice(0, -1)}`, 'signature'],
    ['own jwk in the header', forge(good, { header: { alg: 'HS256', jwk: { kty: 'oct', k: part('x') } }, secret: 'x' }), 'signature'],
    ['kid of a file', forge(good, { header: { alg: 'HS256', kid: '../../../../dev/null' }, secret: '' }), 'signature'],
    ['kid with SQL', forge(good, { header: { alg: 'HS256', kid: "' union select 'x' --" }, secret: 'x' }), 'signature'],
    ['kid __proto__', forge(good, { header: { alg: 'HS256', kid: '__proto__' }, secret: '' }), 'signature'],
    ['no exp', forge({ ...good, exp: undefined }), 'claim exp'],
    ['no exp, service role', forge({ ...good, exp: undefined, role: 'service_role' }), 'claim exp'],
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
    ['role of a login', forge({ ...good, role: `project_${ref}_owner` }), 'claim role'],
    ['role with SQL', forge({ ...good, role: 'anon"; reset role; --' }), 'claim role'],
    ['role an array', forge({ ...good, role: ['service_role'] }), 'claim role'],
    ['role toString', forge({ ...good, role: 'toString' }), 'claim role'],
    ['sub a number', forge({ ...good, sub: 1 }), 'claim sub'],
    ['aud an object', forge({ ...good, aud: { 0: 'authenticated' } }), 'claim aud'],
    ['ref of another project', forge({ ...good, ref: other }), 'claim ref'],
    ['ref an array', forge({ ...good, ref: [ref] }), 'claim ref'],
    ['issuer of another project', forge({ ...good, iss: issuer.replace(ref, other) }), 'claim iss'],
    ['issuer an object', forge({ ...good, iss: {} }), 'claim iss'],
    ...forgeWithKeyPairs(target, good, forge),
  ]
}

function forgeWithKeyPairs(target: ForgeryTarget, good: object, forge: (payload: Part, how: Forgery) => string): ForgedToken[] {
  const { elliptic, rsa, secret } = target
  const own = {
    elliptic: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  }
  const [realElliptic, realRsa] = [readPrivate(elliptic), readPrivate(rsa)]
  const es = (header: object, key: KeyObject, payload: Part = good) => signWith(key, { alg: 'ES256', typ: 'JWT', ...header }, payload)
  const rs = (header: object, key: KeyObject, payload: Part = good) => signWith(key, { alg: 'RS256', typ: 'JWT', ...header }, payload)
  const publicPem = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  const genuine = es({ kid: elliptic.kid }, realElliptic)
  const [signed, signature] = [genuine.slice(0, genuine.lastIndexOf('.')), genuine.slice(genuine.lastIndexOf('.') + 1)]
  const bytes = Buffer.from(signature, 'base64url')
  const ownJwk = createPublicKey(own.rsa).export({ format: 'jwk' })
  const withBytes = (changed: Buffer) => `${signed}.${changed.toString('base64url')}`

  return [
    [
      'HS256 with the RSA public key as secret',
      forge(good, { secret: publicPem(realRsa), header: { alg: 'HS256', kid: rsa.kid } }),
      'algorithm',
    ],
    ['the same without kid', forge(good, { secret: publicPem(realRsa) }), 'signature'],
    ['HS256 with the RSA modulus as secret', forge(good, { secret: Buffer.from(rsa.publicJwk!.n!, 'base64url') }), 'signature'],
    ['HS256 with the JWK text as secret', forge(good, { secret: JSON.stringify(elliptic.publicJwk) }), 'signature'],
    ['HS256 with our secret and the kid of the RSA key', forge(good, { header: { alg: 'HS256', kid: rsa.kid } }), 'algorithm'],
    ['RS256 with the kid of the secret', rs({ kid: secret.kid }, realRsa), 'algorithm'],
    ['RS256 with the kid of the elliptic key', rs({ kid: elliptic.kid }, realRsa), 'algorithm'],
    ['ES256 with the kid of the RSA key', es({ kid: rsa.kid }, realElliptic), 'algorithm'],
    ['RS256 by a key of the forger', rs({ kid: rsa.kid }, own.rsa), 'signature'],
    ['RS256 by a key of the forger, its jwk in the header', rs({ kid: rsa.kid, jwk: ownJwk }, own.rsa), 'signature'],
    ['RS256 by a key of the forger, unknown kid and jku', rs({ kid: 'mine', jku: 'https://evil.example/jwks.json' }, own.rsa), 'signature'],
    ['RS256 with x5u and x5c', rs({ kid: rsa.kid, x5u: 'https://evil.example/cert.pem', x5c: ['MIIB'] }, own.rsa), 'signature'],
    ['RS256 without kid', rs({}, realRsa), 'signature'],
    ['ES256 by a key of the forger', es({ kid: elliptic.kid }, own.elliptic), 'signature'],
    ['ES256 without kid', es({}, realElliptic), 'signature'],
    ['ES256K by a key of the forger', signWith(own.secp256k1, { alg: 'ES256K', kid: elliptic.kid }, good), 'algorithm'],
    ['PS256 by the real key', signWith(realRsa, { alg: 'PS256', kid: rsa.kid }, good), 'algorithm'],
    ['RS512 by the real key', signWith(realRsa, { alg: 'RS512', kid: rsa.kid }, good, 'sha512'), 'algorithm'],
    ['EdDSA', signWith(own.elliptic, { alg: 'EdDSA', kid: elliptic.kid }, good), 'algorithm'],
    ['ES256 of zeros', withBytes(Buffer.alloc(64)), 'signature'],
    ['ES256 of the order', withBytes(Buffer.concat([bytes.subarray(0, 32), toBytes(ORDER)])), 'signature'],
    [
      'ES256 with the other of its two numbers',
      withBytes(Buffer.concat([bytes.subarray(0, 32), toBytes(ORDER - toNumber(bytes))])),
      'signature',
    ],
    ['ES256 in DER', `${signed}.${sign('sha256', Buffer.from(signed), realElliptic).toString('base64url')}`, 'signature'],
    ['ES256 with a zero in front', withBytes(Buffer.concat([Buffer.alloc(1), bytes])), 'signature'],
    ['ES256 changed last character, same bytes', `${signed}.${changeLastCharacter(signature)}`, 'signature'],
    ['RS256 signature with a zero in front', withZero(rs({ kid: rsa.kid }, realRsa)), 'signature'],
    ['ES256 with another payload', `${signed.split('.')[0]}.${part({ ...good, role: 'service_role' })}.${signature}`, 'signature'],
    ['ES256, exp a string', es({ kid: elliptic.kid }, realElliptic, { ...good, exp: '9999999999' }), 'claim exp'],
    ['RS256, role postgres', rs({ kid: rsa.kid }, realRsa, { ...good, role: 'postgres' }), 'claim role'],
    ['RS256, crit', rs({ kid: rsa.kid, crit: ['kid'] }, realRsa), 'algorithm'],
    ['ES256, past', es({ kid: elliptic.kid }, realElliptic, { ...good, exp: 1 }), 'expired'],
    ...(target.revoked ?? []).map((key): ForgedToken => {
      const header = { alg: key.algorithm, kid: key.kid }
      const token = key.algorithm === 'HS256' ? forge(good, { header, secret: key.secret }) : signWith(readPrivate(key), header, good)
      return [`${key.algorithm} by a revoked key`, token, 'signature']
    }),
  ]
}

function readPrivate(key: SigningKeySource): KeyObject {
  return createPrivateKey({ key: JSON.parse(key.secret), format: 'jwk' })
}

function signWith(key: KeyObject, header: object, payload: Part, hash = 'sha256'): string {
  const signed = `${part(header)}.${part(payload)}`
  const signature = sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  // as ours are: the lower of the two numbers, so that what is refused is refused for what is wrong with it
  if (key.asymmetricKeyType !== 'ec' || toNumber(signature) <= ORDER / 2n) return `${signed}.${signature.toString('base64url')}`
  return `${signed}.${Buffer.concat([signature.subarray(0, 32), toBytes(ORDER - toNumber(signature))]).toString('base64url')}`
}

function withZero(token: string): string {
  const at = token.lastIndexOf('.') + 1
  return token.slice(0, at) + Buffer.concat([Buffer.alloc(1), Buffer.from(token.slice(at), 'base64url')]).toString('base64url')
}

function toNumber(signature: Buffer): bigint {
  return BigInt(`0x${signature.subarray(32).toString('hex')}`)
}

function toBytes(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex')
}

function part(value: Part): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** The same bytes in other letters: the last letter of base64url has bits that say nothing, where the bytes do not fill it. */
function changeLastCharacter(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1]
}

/** A payload whose last letter has such bits set. */
function changePayload(good: object): string {
  for (let filler = ''; ; filler += 'x') {
    const text = part({ ...good, filler })
    if (text.length % 4 !== 0) return changeLastCharacter(text)
  }
}
