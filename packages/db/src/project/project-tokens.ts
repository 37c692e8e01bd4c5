import type { ProjectClaims } from '@polder/core'

/** Signs and verifies the tokens of one project (HS256 with the project's own secret). */
export interface ProjectTokens {
  /** `iss` of the tokens that the project's auth service signs. */
  readonly issuer: string
  /** Signs claims as they are; the caller sets `exp` and `role`. */
  sign(claims: ProjectClaims): string
  /** The claims of a token of this project. Throws `access.jwt_expired` or `access.jwt_invalid`; the message says why. */
  verify(token: string): ProjectClaims
}
