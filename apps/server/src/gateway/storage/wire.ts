import { isServiceError, ServiceError, type ErrorCode } from '@polder/core'
import { findTokenRejection } from '@polder/db'

/** An error as Supabase's storage service sends it. */
export interface StorageWireError {
  /** Of the answer: nearly always 400, whatever the body says (storage-api src/internal/errors/storage-error.ts). */
  status: number
  body: { statusCode: string; error: string; message: string; code: string }
}

interface Told {
  status: number
  error: string
  /** The newer name; what S3 calls it. */
  code: string
}

/** By our code: the status that the body names, and the older and the newer name of the error. */
const TOLD: Partial<Record<ErrorCode, Told>> = {
  'storage.bucket_not_found': { status: 404, error: 'Bucket not found', code: 'NoSuchBucket' },
  'storage.bucket_exists': { status: 409, error: 'Duplicate', code: 'BucketAlreadyExists' },
  'storage.bucket_not_empty': { status: 409, error: 'ResourceNotEmpty', code: 'ResourceNotEmpty' },
  'storage.bucket_name_invalid': { status: 400, error: 'Invalid Input', code: 'InvalidBucketName' },
  'storage.object_not_found': { status: 404, error: 'not_found', code: 'NoSuchKey' },
  'storage.object_exists': { status: 409, error: 'Duplicate', code: 'KeyAlreadyExists' },
  'storage.object_name_invalid': { status: 400, error: 'InvalidKey', code: 'InvalidKey' },
  'storage.object_too_large': { status: 413, error: 'Payload too large', code: 'EntityTooLarge' },
  'storage.quota_exceeded': { status: 413, error: 'Payload too large', code: 'EntityTooLarge' },
  'storage.metadata_too_large': { status: 413, error: 'Payload too large', code: 'EntityTooLarge' },
  'request.too_large': { status: 413, error: 'Payload too large', code: 'EntityTooLarge' },
  'storage.type_refused': { status: 415, error: 'invalid_mime_type', code: 'InvalidMimeType' },
  'storage.access_denied': { status: 403, error: 'Unauthorized', code: 'AccessDenied' },
  'storage.images_disabled': { status: 403, error: 'FeatureNotEnabled', code: 'FeatureNotEnabled' },
  'storage.range_unsatisfiable': { status: 416, error: 'invalid_range', code: 'InvalidRange' },
  'storage.token_invalid': { status: 400, error: 'InvalidSignature', code: 'InvalidSignature' },
  'storage.token_expired': { status: 400, error: 'InvalidJWT', code: 'ExpiredToken' },
  'storage.upload_not_found': { status: 404, error: 'NoSuchUpload', code: 'NoSuchUpload' },
  'storage.access_key_unknown': { status: 403, error: 'InvalidAccessKeyId', code: 'InvalidAccessKeyId' },
  'storage.signature_mismatch': { status: 403, error: 'SignatureDoesNotMatch', code: 'SignatureDoesNotMatch' },
  'storage.precondition_failed': { status: 412, error: 'PreconditionFailed', code: 'PreconditionFailed' },
  'storage.checksum_mismatch': { status: 400, error: 'InvalidChecksum', code: 'InvalidChecksum' },
  'storage.no_space': { status: 507, error: 'InsufficientStorage', code: 'InsufficientStorage' },
  'storage.store_unavailable': { status: 503, error: 'ServiceUnavailable', code: 'ServiceUnavailable' },
  'project.connections_exhausted': { status: 429, error: 'too_many_connections', code: 'SlowDown' },
  'request.rate_limited': { status: 429, error: 'too_many_connections', code: 'SlowDown' },
  'system.busy': { status: 503, error: 'ServiceUnavailable', code: 'SlowDown' },
  'database.timeout': { status: 544, error: 'DatabaseTimeout', code: 'DatabaseTimeout' },
  'database.sql_timeout': { status: 544, error: 'DatabaseTimeout', code: 'DatabaseTimeout' },
  'request.not_found': { status: 404, error: 'Not Found', code: 'NotFound' },
}

/** Those that are the server's state, or HTTP's own: their status is the answer's too. */
const TOLD_AS_THEY_ARE = new Set([404, 416, 429, 412, 503, 507, 544])

/** Any error in the service's own form; `isFromClient` for a client library of Supabase. */
export function toWireError(error: unknown, isFromClient = false): StorageWireError {
  const known = toKnownError(error)
  const told = tell(known)
  const { status } = told
  const isOurs = known.code === 'request.not_found' || known.code === 'project.not_found'
  const answered = status >= 500 || isOurs || (status !== 404 && TOLD_AS_THEY_ARE.has(status)) ? status : 400
  return {
    status: answered,
    body: { statusCode: String(status), error: told.error, message: toMessage(known, isFromClient), code: told.code },
  }
}

/** The same, by its own status: for the protocols that have one (S3, TUS). */
export function toTrueStatus(error: ServiceError): number {
  return tell(error).status
}

/** The name that S3 has for an error. */
export function toS3Code(error: ServiceError): string {
  return tell(error).code
}

function tell(error: ServiceError): Told {
  const told = TOLD[error.code]
  if (told !== undefined) return told
  if (findTokenRejection(error) !== undefined || error.code === 'access.key_invalid') {
    return { status: 403, error: 'Unauthorized', code: 'AccessDenied' }
  }
  if (error.code === 'access.key_missing') return { status: 400, error: 'Error', code: 'InvalidRequest' }
  if (error.kind === 'internal') return { status: 500, error: 'Internal', code: 'InternalError' }
  if (error.kind === 'invalid_input' || error.kind === 'conflict') return { status: 400, error: 'InvalidRequest', code: 'InvalidRequest' }
  return { status: error.status, error: error.kind === 'not_found' ? 'not_found' : 'Unauthorized', code: 'AccessDenied' }
}

function toMessage(error: ServiceError, isFromClient: boolean): string {
  if (error.code === 'access.key_missing') {
    // Supabase's clients know the answer of the gateway in front, which puts an empty token in; others see the schema check of storage-api.
    return isFromClient ? 'Invalid Compact JWS' : "headers must have required property 'authorization'"
  }
  if (error.kind === 'internal') return 'Internal Server Error'
  return error.message
}

/** Fastify's refusals carry a status; a client that went away in the middle is no mistake of ours. */
export function toKnownError(error: unknown): ServiceError {
  if (isServiceError(error)) return error
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown }
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ServiceError('request.too_large', { cause: error })
  if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET') return new ServiceError('storage.no_content', { cause: error })
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ServiceError('storage.request_invalid', { message: (error as Error).message, cause: error })
  }
  return new ServiceError('system.unexpected', { cause: error })
}
