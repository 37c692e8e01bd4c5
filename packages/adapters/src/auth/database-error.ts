import { ServiceError } from '@polder/core'
import { isDatabaseError, toServiceError } from '@polder/db'

/** The facts of an error that the project's own database raised, a tenant's trigger or constraint for example. */
export interface RefusalDetails {
  sqlState: string
  message: string
  hint?: string
  detail?: string
}

/**
 * Runs work on schema auth. What the database refuses there, tenants' triggers and constraints included, becomes
 * `auth.database_error` with GoTrue's sentence for the occasion; a database that cannot be reached stays what it is.
 */
export async function withDatabaseError<Result>(sentence: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!isDatabaseError(error)) throw error
    const translated = toServiceError(error)
    if (translated.kind === 'unavailable') throw translated
    throw new ServiceError('auth.database_error', { message: sentence, details: toDetails(error), cause: error })
  }
}

/** The name of the unique constraint that the error is about, if it is about one. */
export function findViolatedKey(error: unknown): string | undefined {
  return isDatabaseError(error) && error.code === '23505' ? error.constraint : undefined
}

function toDetails(error: { code?: string; message: string; hint?: string; detail?: string }): RefusalDetails {
  const { code = 'XX000', message, hint, detail } = error
  return { sqlState: code, message, ...(hint === undefined ? {} : { hint }), ...(detail === undefined ? {} : { detail }) }
}
