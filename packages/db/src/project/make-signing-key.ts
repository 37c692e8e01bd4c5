import { createPrivateKey, createPublicKey, generateKeyPair, randomUUID, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { isPlainText, ServiceError, type PublicJwk } from '@polder/core'

/** A key pair to be stored. */
export interface MadeSigningKey {
  kid: string
  algorithm: 'ES256' | 'RS256'
  publicJwk: PublicJwk
  /** The private key as JWK text. */
  secret: string
}

const makeKeyPair = promisify(generateKeyPair)
const RSA_BITS = { least: 2048, most: 4096 }

/** Makes a new key pair with an id of its own. RSA takes some tenths of a second, off the event loop. */
export async function makeSigningKey(algorithm: 'ES256' | 'RS256'): Promise<MadeSigningKey> {
  const { privateKey } =
    algorithm === 'ES256'
      ? await makeKeyPair('ec', { namedCurve: 'P-256' })
      : await makeKeyPair('rsa', { modulusLength: RSA_BITS.least, publicExponent: 0x10001 })
  return toMadeKey(privateKey, algorithm, randomUUID())
}

/** Reads a private key that somebody brings as JWK; its `kid` stays, or it gets one. Throws `auth.signing_key_invalid`. */
export function parseSigningKey(jwk: Record<string, unknown>): MadeSigningKey {
  const { kty, crv, d, alg, use, kid, key_ops: operations } = jwk
  if (kty !== 'EC' && kty !== 'RSA')
    throw invalid('Only keys of kty EC and RSA can be imported; a shared secret is imported as JWT secret.')
  if (typeof d !== 'string') throw invalid('This is no private key: it has no d.')
  const algorithm = kty === 'EC' ? 'ES256' : 'RS256'
  if (kty === 'EC' && crv !== 'P-256') throw invalid('Elliptic keys must be on P-256.')
  if (alg !== undefined && alg !== algorithm) throw invalid(`A key of this kind signs with ${algorithm}.`)
  if (use !== undefined && use !== 'sig') throw invalid('The key is not for signing.')
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('sign'))) throw invalid('The key is not for signing.')
  if (kid !== undefined && !(typeof kid === 'string' && kid.length > 0 && kid.length <= 200 && isPlainText(kid))) {
    throw invalid('The kid must be a text of 1 to 200 characters.')
  }
  const key = toMadeKey(readPrivateKey(jwk), algorithm, kid ?? randomUUID())
  if (!isPair(key)) throw invalid('The private and the public half do not belong together.')
  return key
}

/** A JWK names both halves, and nothing says that they are of one key. */
function isPair({ secret, publicJwk }: MadeSigningKey): boolean {
  const [trial, privateKey] = [Buffer.from('trial'), createPrivateKey({ key: JSON.parse(secret), format: 'jwk' })]
  return verify('sha256', trial, createPublicKey({ key: { ...publicJwk }, format: 'jwk' }), sign('sha256', trial, privateKey))
}

function readPrivateKey(jwk: Record<string, unknown>): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
  } catch (cause) {
    throw invalid('The key cannot be read.', cause)
  }
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && (bits < RSA_BITS.least || bits > RSA_BITS.most)) throw invalid('RSA keys must have 2048 to 4096 bits.')
  const exponent = key.asymmetricKeyDetails?.publicExponent
  if (exponent !== undefined && exponent !== 0x10001n) throw invalid('RSA keys must have the exponent 65537.')
  return key
}

function toMadeKey(privateKey: KeyObject, algorithm: 'ES256' | 'RS256', kid: string): MadeSigningKey {
  const { kty, ...members } = createPublicKey(privateKey).export({ format: 'jwk' })
  const named = { kid, alg: algorithm, use: 'sig', key_ops: ['verify' as const] } as const
  return {
    kid,
    algorithm,
    publicJwk: { kty: kty as PublicJwk['kty'], ...named, key_ops: [...named.key_ops], ...members } as PublicJwk,
    secret: JSON.stringify(privateKey.export({ format: 'jwk' })),
  }
}

function invalid(message: string, cause?: unknown): ServiceError {
  return new ServiceError('auth.signing_key_invalid', { message, cause })
}
