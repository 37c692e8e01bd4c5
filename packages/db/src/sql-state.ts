import { ServiceError, type ErrorCode } from '@polder/core'
import { DatabaseError } from 'pg'

/** Whether Postgres itself reported the error (it then has a SQLSTATE in `code`). */
export function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError
}

/** What `details` of a translated database error holds. */
export interface DatabaseErrorDetails {
  sqlState: string
  detail?: string
  position?: number
  schema?: string
  table?: string
  column?: string
  constraint?: string
}

const BY_STATE = new Map<string, ErrorCode>(
  Object.entries({
    '23505': 'database.conflict',
    '23P01': 'database.conflict',
    '23503': 'database.conflict',
    '40001': 'database.conflict',
    '40P01': 'database.conflict',
    '57014': 'database.sql_timeout',
    '55P03': 'database.timeout',
    '25P03': 'database.timeout',
    '25P04': 'database.timeout',
    '53300': 'project.connections_exhausted',
    '42P01': 'database.table_not_found',
    '57P01': 'database.unavailable',
    '57P02': 'database.unavailable',
    '57P03': 'database.unavailable',
    '57P04': 'database.unavailable',
    '57P05': 'database.unavailable',
    '28P01': 'database.unavailable',
    '28000': 'database.unavailable',
    '3D000': 'database.unavailable',
    // "database is not currently accepting connections" is 55000, as are many errors of plain statements
  } satisfies Record<string, ErrorCode>),
)

const BY_CLASS = new Map<string, ErrorCode>(
  Object.entries({
    '08': 'database.unavailable',
    '53': 'database.unavailable',
    '58': 'database.unavailable',
    XX: 'system.unexpected',
  } satisfies Record<string, ErrorCode>),
)

const LOST_CONNECTION = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/** Any error of a database as a ServiceError; one that is a ServiceError already comes back as it is. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (isDatabaseError(error)) return fromDatabaseError(error)
  if (isConnectionLost(error)) return new ServiceError('database.unavailable', { cause: error })
  return new ServiceError('system.unexpected', { cause: error })
}

/** Whether the error says that the connection is gone or never came about. */
export function isConnectionLost(error: unknown): boolean {
  if (isDatabaseError(error)) return toCode(error) === 'database.unavailable'
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && LOST_CONNECTION.has(code)) return true
  return /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed)/.test(error.message)
}

function fromDatabaseError(error: DatabaseError): ServiceError {
  const code = toCode(error)
  // What the server says of its own health is for the log; what it says of the statement is for the caller.
  if (code === 'database.unavailable' || code === 'system.unexpected') return new ServiceError(code, { cause: error })
  return new ServiceError(code, { message: error.message, details: toDetails(error), hint: error.hint, cause: error })
}

function toCode(error: DatabaseError): ErrorCode {
  const state = error.code ?? ''
  return BY_STATE.get(state) ?? BY_CLASS.get(state.slice(0, 2)) ?? 'database.sql_failed'
}

function toDetails(error: DatabaseError): DatabaseErrorDetails {
  return {
    sqlState: error.code ?? '',
    detail: error.detail,
    position: error.position === undefined ? undefined : Number(error.position),
    schema: error.schema,
    table: error.table,
    column: error.column,
    constraint: error.constraint,
  }
}

/** Why a connection could not be opened: `project.connections_exhausted` or `database.unavailable`. */
export function toOpenError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (isDatabaseError(error) && error.code === '53300') return new ServiceError('project.connections_exhausted', { cause: error })
  const isLost = isConnectionLost(error)
  return new ServiceError('database.unavailable', {
    cause: error,
    details: isLost ? undefined : { sqlState: (error as { code?: string }).code },
  })
}
