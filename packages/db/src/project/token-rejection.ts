import { ServiceError } from '@polder/core'

/** Why a project token is refused, for doors that tell the cases apart. */
export type TokenRejectionReason =
  /** Not three parts of base64url with JSON objects in them, or too long. */
  | 'malformed'
  /** Another algorithm than that of the key, or a header that asks for what we do not do. */
  | 'algorithm'
  | 'signature'
  | 'expired'
  | 'not_yet_valid'
  | 'issued_in_future'
  /** For somebody else, by the audience that the project's settings ask for. */
  | 'audience'
  /** A claim that is missing, of the wrong type, or names another project. */
  | 'claim'

/** `details` of `access.jwt_invalid` and `access.jwt_expired`. */
export interface TokenRejection {
  reason: TokenRejectionReason
  claim?: string
}

const MESSAGES: Record<TokenRejectionReason, string> = {
  malformed: 'The JWT cannot be decoded.',
  algorithm: 'The JWT is signed with another algorithm than that of its key.',
  signature: 'The JWT is not signed by this project.',
  expired: 'JWT expired',
  not_yet_valid: 'JWT not yet valid',
  issued_in_future: 'JWT issued at future',
  audience: 'JWT not in audience',
  claim: 'A claim of the JWT is not valid.',
}

/** The error for a refused token. */
export function tokenRejected(reason: TokenRejectionReason, message = MESSAGES[reason], claim?: string): ServiceError {
  const details: TokenRejection = claim === undefined ? { reason } : { reason, claim }
  return new ServiceError(reason === 'expired' ? 'access.jwt_expired' : 'access.jwt_invalid', { message, details })
}

/** The reason in an error of the verifier; undefined for any other error. */
export function findTokenRejection(error: unknown): TokenRejection | undefined {
  if (!(error instanceof ServiceError)) return undefined
  if (error.code !== 'access.jwt_invalid' && error.code !== 'access.jwt_expired') return undefined
  return error.details as TokenRejection
}
