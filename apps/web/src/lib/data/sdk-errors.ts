import { SdkError, isSdkError } from '@polder/sdk'

export { SdkError, isSdkError }

/** Whatever was thrown, as an error with a code and a sentence. */
export function toSdkError(error: unknown): SdkError {
  if (error instanceof SdkError) return error
  return new SdkError('sdk.answer_invalid', error instanceof Error ? error.message : String(error), { cause: error })
}

/** Nobody is signed in (any more). */
export function isSignedOut(error: SdkError): boolean {
  return error.code === 'access.unauthenticated'
}

/** Not the caller's mistake: worth a request id. */
export function isUnexpected(error: SdkError): boolean {
  return error.status >= 500 || error.status === 0
}
