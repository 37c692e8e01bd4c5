import type { ProjectClaims, PublicJwk, SigningKeyStatus } from '@polder/core'
import { createSigningKey, type SigningKey, type SigningKeySource } from './signing-key.ts'
import { tokenRejected } from './token-rejection.ts'
import type { ParsedToken } from './token-signature.ts'

/** The keys of one project: one signs, each that is not revoked verifies. */
export interface ProjectSigningKeys {
  /** Public halves, for whoever verifies the project's tokens elsewhere. */
  readonly publicJwks: readonly PublicJwk[]
  sign(claims: ProjectClaims): string
  /** Throws `access.jwt_invalid` unless the key that the token names signed it, or a shared secret where it names none of ours. */
  requireSigned(token: ParsedToken): void
}

export type ProjectSigningKeySource = SigningKeySource & { status: SigningKeyStatus }

/** Makes a project's keys. Throws where none of them signs. */
export function createProjectSigningKeys(sources: readonly ProjectSigningKeySource[]): ProjectSigningKeys {
  const valid = sources.filter(({ status }) => status !== 'revoked')
  const byId = new Map<string, SigningKey>(valid.map((source) => [source.kid, createSigningKey(source)]))
  const current = valid.find(({ status }) => status === 'in_use')
  if (current === undefined) throw new Error('None of the signing keys is in use.')
  const signer = byId.get(current.kid)!
  const shared = [...byId.values()].filter(({ algorithm }) => algorithm === 'HS256')

  return {
    publicJwks: valid.flatMap(({ publicJwk }) => publicJwk ?? []),
    sign: (claims) => signer.sign(claims),
    requireSigned(token) {
      const named = token.kid === undefined ? undefined : byId.get(token.kid)
      if (named !== undefined) {
        if (named.algorithm !== token.algorithm) throw tokenRejected('algorithm')
        if (!named.hasSigned(token)) throw tokenRejected('signature')
        return
      }
      // Tokens that people sign with their secret name no key, and those of an imported project one that is not known here.
      if (token.algorithm !== 'HS256') throw tokenRejected('signature', 'The JWT names no key of this project.')
      if (!shared.some((key) => key.hasSigned(token))) throw tokenRejected('signature')
    },
  }
}

/** The keys of a project that has a shared secret alone. */
export function createSecretSigningKeys(secret: string, kid = 'secret'): ProjectSigningKeys {
  return createProjectSigningKeys([{ kid, algorithm: 'HS256', status: 'in_use', isImported: false, publicJwk: null, secret }])
}
