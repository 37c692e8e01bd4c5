import { randomBytes } from 'node:crypto'
import { PUBLISHABLE_KEY_PREFIX, SECRET_KEY_PREFIX, type DatabaseRole } from '@polder/core'
import { signToken } from './token-signature.ts'

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

/** Makes new keys; the JWTs are signed with the project's secret and end in ten years. */
export function makeProjectKeys(project: { ref: string; issuer: string; jwtSecret: string }): ProjectKeys {
  const iat = Math.floor(Date.now() / 1000)
  const sign = (role: DatabaseRole) =>
    signToken({ iss: project.issuer, ref: project.ref, role, iat, exp: iat + TEN_YEARS }, project.jwtSecret)
  return {
    anonKey: sign('anon'),
    serviceRoleKey: sign('service_role'),
    publishableKey: PUBLISHABLE_KEY_PREFIX + makeSecretText(),
    secretKey: SECRET_KEY_PREFIX + makeSecretText(),
  }
}

/** 32 random bytes as base64url: a password, a JWT secret, the random part of a key. */
export function makeSecretText(): string {
  return randomBytes(32).toString('base64url')
}
