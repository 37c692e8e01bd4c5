import { randomBytes } from 'node:crypto'
import { PUBLISHABLE_KEY_PREFIX, SECRET_KEY_PREFIX, type DatabaseRole, type ProjectClaims } from '@polder/core'
import { signWithSecret } from './signing-key.ts'

const TEN_YEARS = 10 * 365 * 24 * 60 * 60

/** The four keys of a project that apps can use. */
export interface ProjectKeys {
  /** JWT with role anon: may be published. */
  anonKey: string
  /** JWT with role service_role: passes row-level security. */
  serviceRoleKey: string
  /** Opaque, stands for anon. */
  publishableKey: string
  /** Opaque, stands for service_role. */
  secretKey: string
}

/** Makes new keys; the JWTs are signed with the project's secret. */
export function makeProjectKeys({ jwtSecret, ...project }: { ref: string; issuer: string; jwtSecret: string }): ProjectKeys {
  return {
    ...signProjectKeys(project, (claims) => signWithSecret(claims, jwtSecret)),
    publishableKey: PUBLISHABLE_KEY_PREFIX + makeSecretText(),
    secretKey: SECRET_KEY_PREFIX + makeSecretText(),
  }
}

/** Signs the two keys that are JWTs; they end in ten years. */
export function signProjectKeys(
  { ref, issuer }: { ref: string; issuer: string },
  sign: (claims: ProjectClaims) => string,
): Pick<ProjectKeys, 'anonKey' | 'serviceRoleKey'> {
  const iat = Math.floor(Date.now() / 1000)
  const signFor = (role: DatabaseRole) => sign({ iss: issuer, ref, role, iat, exp: iat + TEN_YEARS })
  return { anonKey: signFor('anon'), serviceRoleKey: signFor('service_role') }
}

/** 32 random bytes as base64url: a password, a JWT secret, the random part of a key. */
export function makeSecretText(): string {
  return randomBytes(32).toString('base64url')
}
