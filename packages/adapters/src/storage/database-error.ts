import { ServiceError } from '@polder/core'
import { isDatabaseError, toServiceError } from '@polder/db'

/** What the project's database refused, in storage's words; other errors come back as they are. */
export function fromDatabaseError(error: unknown): unknown {
  if (!isDatabaseError(error)) return error
  const { code, constraint, message } = error
  const isBucket = constraint === 'buckets_pkey' || constraint === 'bname'
  switch (code) {
    case '42501':
      return new ServiceError('storage.access_denied', { message, cause: error })
    case '23505':
      return new ServiceError(isBucket ? 'storage.bucket_exists' : 'storage.object_exists', { cause: error })
    case '23503':
      // Of an object without a bucket, or of a bucket with something in it.
      if (!/_bucket_?id_fkey$/i.test(constraint ?? '')) break
      return new ServiceError(message.startsWith('update or delete') ? 'storage.bucket_not_empty' : 'storage.bucket_not_found', {
        cause: error,
      })
  }
  const known = toServiceError(error)
  if (known.kind === 'internal' || known.kind === 'unavailable') return known
  // Of a trigger or a policy: the project's own.
  return new ServiceError('storage.database_error', { message, details: known.details, cause: error })
}

/** Runs a statement; what the database refuses is translated. */
export async function translated<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw fromDatabaseError(error)
  }
}
