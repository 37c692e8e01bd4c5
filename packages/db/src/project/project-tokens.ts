import type { DatabaseRole, ProjectClaims, PublicJwk } from '@polder/core'
import type { ProjectSigningKeys } from './project-signing-keys.ts'
import { checkClaims, isExpired, LATEST_SECONDS } from './token-claims.ts'
import { parseToken } from './token-signature.ts'
import { tokenRejected } from './token-rejection.ts'

/** Signs and verifies the tokens of one project with the project's own keys. */
export interface ProjectTokens {
  /** `iss` of the tokens that the project's auth service signs. */
  readonly issuer: string
  /** Public halves of the keys that verify; empty where they are all shared secrets. */
  readonly publicJwks: readonly PublicJwk[]
  /** Signs claims as they are with the key in use; the caller sets `exp` and `role`. */
  sign(claims: ProjectClaims): string
  /**
   * The claims of a token of this project. Throws `access.jwt_expired` or `access.jwt_invalid`; the message says why, and
   * `details` is a `TokenRejection`. A token that names no role is refused, unless there is an `anonymousRole` for it to count as.
   */
  verify(token: string, anonymousRole?: DatabaseRole | null): ProjectClaims
  /** The claims of a token that is known to be ours, whoever signed it. Throws as `verify` does for all but its signature. */
  read(token: string): ProjectClaims
  /**
   * The same as `verify` for the auth service's own door, which also knows Supabase's role `supabase_admin`: as the service role, and without
   * an end. No other service may ask for it.
   */
  verifyAdmin(token: string): ProjectClaims
}

export interface ProjectTokensOptions {
  ref: string
  issuer: string
  keys: ProjectSigningKeys
  /** How many verified tokens are remembered. */
  maxRemembered?: number
}

/** The one verifier of project tokens: every service of every door asks it, and the key is that of the route's project. */
export function createProjectTokens(options: ProjectTokensOptions): ProjectTokens {
  const { ref, issuer, keys, maxRemembered = 1_000 } = options
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

  function verify(token: string, anonymousRole?: DatabaseRole | null): ProjectClaims {
    const known = verified.get(token)
    if (known !== undefined) {
      verified.delete(token)
      if (isExpired(known, Date.now() / 1000)) throw tokenRejected('expired')
      verified.set(token, known)
      return known
    }
    const parsed = parseToken(token)
    keys.requireSigned(parsed)
    const claims = deepFreeze(checkClaims(parsed.payload, { ref, now: Date.now() / 1000, anonymousRole }))
    // Who asks without an anonymous role must not find what was accepted with one.
    if (parsed.payload.role !== undefined) remember(token, claims)
    return claims
  }

  return {
    issuer,
    publicJwks: keys.publicJwks,
    sign: (claims) => keys.sign(claims),
    verify,
    read: (token) => deepFreeze(checkClaims(parseToken(token).payload, { ref, now: Date.now() / 1000 })),
    verifyAdmin(token) {
      const parsed = parseToken(token)
      if (parsed.payload.role !== 'supabase_admin') return verify(token)
      keys.requireSigned(parsed)
      const payload = { exp: LATEST_SECONDS, ...parsed.payload, role: 'service_role' }
      return deepFreeze(checkClaims(payload, { ref, now: Date.now() / 1000 }))
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
