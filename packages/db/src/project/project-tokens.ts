import type { ProjectClaims } from '@polder/core'
import { checkClaims, isExpired } from './token-claims.ts'
import { hasSignature, parseToken, signToken } from './token-signature.ts'
import { tokenRejected } from './token-rejection.ts'

/** Signs and verifies the tokens of one project (HS256 with the project's own secret). */
export interface ProjectTokens {
  /** `iss` of the tokens that the project's auth service signs. */
  readonly issuer: string
  /** Signs claims as they are; the caller sets `exp` and `role`. */
  sign(claims: ProjectClaims): string
  /**
   * The claims of a token of this project. Throws `access.jwt_expired` or `access.jwt_invalid`; the message says why, and
   * `details` is a `TokenRejection`.
   */
  verify(token: string): ProjectClaims
}

export interface ProjectTokensOptions {
  ref: string
  issuer: string
  secret: string
  /** How many verified tokens are remembered. */
  maxRemembered?: number
}

/** The one verifier of project tokens: every service of every door asks it, and the key is that of the route's project. */
export function createProjectTokens(options: ProjectTokensOptions): ProjectTokens {
  const { ref, issuer, secret, maxRemembered = 1_000 } = options
  // Oldest first, as Map keeps them; a hit is put at the end again only when the map is full enough to forget.
  const verified = new Map<string, ProjectClaims>()

  function remember(token: string, claims: ProjectClaims): void {
    if (verified.size >= maxRemembered) {
      for (const oldest of verified.keys()) {
        verified.delete(oldest)
        if (verified.size < maxRemembered) break
      }
    }
    verified.set(token, claims)
  }

  return {
    issuer,
    sign: (claims) => signToken(claims, secret),
    verify(token) {
      const known = verified.get(token)
      if (known !== undefined) {
        verified.delete(token)
        if (isExpired(known, Date.now() / 1000)) throw tokenRejected('expired')
        verified.set(token, known)
        return known
      }
      const parsed = parseToken(token)
      if (!hasSignature(parsed, secret)) throw tokenRejected('signature')
      const claims = deepFreeze(checkClaims(parsed.payload, { ref, now: Date.now() / 1000 }))
      remember(token, claims)
      return claims
    },
  }
}

// The same object is handed to every request with this token.
function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
