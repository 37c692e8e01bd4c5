import { createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import type { ProjectClaims, PublicJwk, SigningAlgorithm } from '@polder/core'
import { isLowSignature, toLowSignature } from './low-signature.ts'
import type { ParsedToken } from './token-signature.ts'

/** What a key is made from. */
export interface SigningKeySource {
  kid: string
  algorithm: SigningAlgorithm
  /** Whether somebody else has the key too, and may sign with it. */
  isImported: boolean
  publicJwk: PublicJwk | null
  /** The shared secret, or the private key as JWK text. */
  secret: string
}

/** One key of a project, ready to sign and to verify. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  /** Signs claims as they are, and names the key in the header. */
  sign(claims: ProjectClaims): string
  /** Whether this key made the token's signature; the caller has compared the algorithms. */
  hasSigned(token: ParsedToken): boolean
}

/** Makes the key; an asymmetric one is read when it is first used. */
export function createSigningKey(source: SigningKeySource): SigningKey {
  const { kid, algorithm } = source
  const header = toPart({ alg: algorithm, kid, typ: 'JWT' })
  const { signText, hasSigned } = algorithm === 'HS256' ? withSecret(source.secret) : withKeyPair(source)
  return {
    kid,
    algorithm,
    sign(claims) {
      const signed = `${header}.${toPart(claims)}`
      return `${signed}.${signText(signed)}`
    },
    hasSigned,
  }
}

/** Signs claims with a shared secret, without naming it: as API keys are, which people also make themselves. */
export function signWithSecret(claims: ProjectClaims, secret: string): string {
  const signed = `${ANONYMOUS_HEADER}.${toPart(claims)}`
  return `${signed}.${withSecret(secret).signText(signed)}`
}

const ANONYMOUS_HEADER = toPart({ alg: 'HS256', typ: 'JWT' })

interface Signer {
  signText(text: string): string
  hasSigned(token: Pick<ParsedToken, 'signed' | 'signature'>): boolean
}

function withSecret(secret: string): Signer {
  const signText = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')
  return {
    signText,
    // Compared as text: another spelling of the same bytes is refused.
    hasSigned({ signed, signature }) {
      const expected = Buffer.from(signText(signed))
      const given = Buffer.from(signature)
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}

function withKeyPair({ algorithm, isImported, publicJwk, secret }: SigningKeySource): Signer {
  const isElliptic = algorithm === 'ES256'
  let privateKey: KeyObject | undefined
  let publicKey: KeyObject | undefined
  // JWS has the two numbers of an elliptic signature side by side, and not in DER.
  const toInput = (key: KeyObject) => (isElliptic ? { key, dsaEncoding: 'ieee-p1363' as const } : { key })

  return {
    signText(text) {
      privateKey ??= createPrivateKey({ key: JSON.parse(secret), format: 'jwk' })
      const signature = sign('sha256', Buffer.from(text), toInput(privateKey))
      return (isElliptic ? toLowSignature(signature) : signature).toString('base64url')
    },
    hasSigned({ signed, signature }) {
      publicKey ??= createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
      const bytes = Buffer.from(signature, 'base64url')
      if (bytes.toString('base64url') !== signature) return false
      // Ours are always low; those of others who have the key need not be.
      if (isElliptic && (bytes.length !== 64 || !(isImported || isLowSignature(bytes)))) return false
      return verify('sha256', Buffer.from(signed), toInput(publicKey), bytes)
    },
  }
}

function toPart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
