import { ERROR_CATALOG, type ErrorCode } from './catalog.ts'
import { ERROR_KINDS, type ErrorKind } from './kinds.ts'

export interface ServiceErrorOptions {
  /** Says more than the catalogue's sentence; shown to the caller. */
  message?: string
  /** Facts for the caller, as text or JSON; never a secret. */
  details?: unknown
  hint?: string
  /** The original error: logged, never sent. */
  cause?: unknown
}

/** The one error that adapters and platform logic throw; each door translates it once. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly details: unknown
  readonly hint: string | undefined

  constructor(code: ErrorCode, options: ServiceErrorOptions = {}) {
    super(options.message ?? ERROR_CATALOG[code].sentence, { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.details = options.details
    this.hint = options.hint
  }

  get kind(): ErrorKind {
    return ERROR_CATALOG[this.code].kind
  }

  /** HTTP status of the error's kind; a service's wire format may overrule it. */
  get status(): number {
    return ERROR_KINDS[this.kind]
  }
}

/** Whether the value is a ServiceError, of that code if one is given. */
export function isServiceError(error: unknown, code?: ErrorCode): error is ServiceError {
  return error instanceof ServiceError && (code === undefined || error.code === code)
}
