import { createHash, timingSafeEqual } from 'node:crypto'
import {
  PUBLISHABLE_KEY_PREFIX,
  SECRET_KEY_PREFIX,
  ServiceError,
  type AccessRequest,
  type AppCaller,
  type DatabaseRole,
  type ProjectClaims,
  type RestSettings,
} from '@polder/core'
import type { ProjectKeys } from './project-keys.ts'
import type { ProjectTokens } from './project-tokens.ts'
import { hasAudience } from './token-claims.ts'
import { findTokenRejection, tokenRejected } from './token-rejection.ts'

/** What the settings of the data API say of who may use it. */
export type RestAccess = Pick<RestSettings, 'anonymousRole' | 'jwtAudience'>

export interface AppCallersOptions {
  tokens: ProjectTokens
  keys: ProjectKeys
  /** For the door of the data API. */
  rest?: RestAccess
  /** How many pairs of key and token are remembered. */
  maxRemembered?: number
}

/** Tells from an app's credentials who it is; the same credentials give the same object again. */
export interface AppCallers {
  /** Throws `access.key_missing`, `access.key_invalid`, `access.jwt_invalid` or `access.jwt_expired`. */
  require(apiKey: string | undefined, authorization: string | undefined, door?: Door): AppCaller
}

type Door = Extract<AccessRequest, { kind: 'app' }>['door']

interface KnownCaller {
  caller: AppCaller
  endsAt: number
}

/** Who a credential stands for: a key of the project, or a token that its secret signed. */
interface Credential {
  claims: ProjectClaims
  isKey: boolean
}

/** Who comes to an open door without credentials. */
const NOBODY: KnownCaller = {
  caller: { kind: 'app', role: 'anon', claims: Object.freeze({ role: 'anon' }), claimsJson: '{"role":"anon"}', hasUserToken: false },
  endsAt: Infinity,
}

const BEARER = /^bearer(?:\s+(.*))?$/is

/** The callers of one project. Credentials of another project are as wrong as any invented ones. */
export function createAppCallers({ tokens, keys, rest, maxRemembered = 1_000 }: AppCallersOptions): AppCallers {
  // What is believed at one door need not be at another.
  const known = new Map<string, KnownCaller>()
  const knownAtAuth = new Map<string, KnownCaller>()
  const knownAtRest = new Map<string, KnownCaller>()
  const access = rest ?? { anonymousRole: null, jwtAudience: null }
  const isRestUsual = access.anonymousRole === null && access.jwtAudience === null
  const stored: { hash: Buffer; role: DatabaseRole }[] = [
    { hash: toHash(keys.anonKey), role: 'anon' },
    { hash: toHash(keys.publishableKey), role: 'anon' },
    { hash: toHash(keys.serviceRoleKey), role: 'service_role' },
    { hash: toHash(keys.secretKey), role: 'service_role' },
  ]

  function findKeyRole(text: string): DatabaseRole | undefined {
    const hash = toHash(text)
    return stored.filter((key) => timingSafeEqual(key.hash, hash))[0]?.role
  }

  function requireCredential(text: string, door: Door): Credential {
    const role = findKeyRole(text)
    if (text.startsWith(PUBLISHABLE_KEY_PREFIX) || text.startsWith(SECRET_KEY_PREFIX)) {
      if (role === undefined) throw new ServiceError('access.key_invalid')
      // As Supabase's gateway does: policies see an opaque key as the JWT that it stands in for. That one's signature does not
      // matter here, so that an opaque key outlives the secret which signed it.
      return { claims: tokens.read(role === 'anon' ? keys.anonKey : keys.serviceRoleKey), isKey: true }
    }
    return { claims: verify(text, door), isKey: role !== undefined }
  }

  function verify(token: string, door: Door): ProjectClaims {
    if (door === 'auth') return tokens.verifyAdmin(token)
    if (door !== 'rest') return tokens.verify(token)
    const claims = tokens.verify(token, access.anonymousRole)
    if (access.jwtAudience !== null && !hasAudience(claims, access.jwtAudience)) throw tokenRejected('audience')
    return claims
  }

  function requireKey(text: string, door: Door): Credential {
    try {
      return requireCredential(text, door)
    } catch (cause) {
      throw new ServiceError('access.key_invalid', { details: findTokenRejection(cause), cause })
    }
  }

  function check(apiKey: string | undefined, authorization: string | undefined, door: Door): KnownCaller {
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]?.trim()
    const isBearer = authorization !== undefined && BEARER.test(authorization)
    const key = apiKey === undefined || apiKey === '' ? undefined : requireKey(apiKey, door)
    if (!isBearer && key === undefined) {
      if (door === 'open') return NOBODY
      if (door === 'rest' && access.anonymousRole !== null) {
        return { caller: toCaller({ role: access.anonymousRole }, false), endsAt: Infinity }
      }
      throw new ServiceError('access.key_missing')
    }
    const bearer = !isBearer ? undefined : token === apiKey && key !== undefined ? key : requireCredential(token ?? '', door)
    const { claims, isKey } = (bearer ?? key)!
    return {
      caller: toCaller(claims, bearer !== undefined && !isKey),
      endsAt: Math.min(claims.exp ?? 0, key?.claims.exp ?? Infinity) * 1000,
    }
  }

  /** Only the first of what came counts, and what is not the project's is as good as nothing. */
  function requireLoosely(apiKey: string | undefined, authorization: string | undefined): AppCaller {
    const isBearer = authorization !== undefined && BEARER.test(authorization)
    try {
      return remembering(known, isBearer ? undefined : apiKey, authorization, 'open')
    } catch {
      return NOBODY.caller
    }
  }

  return {
    require(apiKey, authorization, door) {
      if (door === 'unchecked') return requireLoosely(apiKey, authorization)
      const remembered = door === 'auth' ? knownAtAuth : door === 'rest' && !isRestUsual ? knownAtRest : known
      return remembering(remembered, apiKey, authorization, door)
    },
  }

  function remembering(
    remembered: Map<string, KnownCaller>,
    apiKey: string | undefined,
    authorization: string | undefined,
    door: Door,
  ): AppCaller {
    // Neither a header nor a key of ours has a line break in it.
    const credentials = `${apiKey ?? ''}\n${authorization ?? ''}`
    const found = remembered.get(credentials)
    if (found !== undefined && found.endsAt > Date.now()) return found.caller
    remembered.delete(credentials)
    const checked = check(apiKey, authorization, door)
    if (checked === NOBODY) return checked.caller
    if (remembered.size >= maxRemembered) remembered.delete(remembered.keys().next().value!)
    remembered.set(credentials, checked)
    return checked.caller
  }
}

function toCaller(claims: ProjectClaims, hasUserToken: boolean): AppCaller {
  return { kind: 'app', role: claims.role, claims, claimsJson: JSON.stringify(claims), hasUserToken }
}

function toHash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
