import { ERROR_CATALOG, isServiceError, LOG_SERVICES, type LogLevel, type LogLine, type LogService, type Observation } from '@polder/core'
import { isDatabaseError } from '@polder/db'

const SERVICE_OF_PATH = /^\/([a-z]+)\/v1(?:[/?]|$)/

/** The line that an observation makes in a project's log; undefined for what concerns the installation only. */
export function toLogLine(observation: Observation, at: number): { ref: string; line: LogLine } | undefined {
  switch (observation.kind) {
    case 'request': {
      const { ref, requestId, userId, ip, method, status, durationMs, bytesOut } = observation
      if (ref === undefined) return undefined
      const path = toOwnPath(observation.path)
      const service = observation.service ?? toService(path)
      return {
        ref,
        line: { at, level: toLevel(status), service, requestId, userId, ip, method, path, status, durationMs, bytes: bytesOut },
      }
    }
    case 'log': {
      const { ref, kind: _kind, ...line } = observation
      return { ref, line: { at, ...line } }
    }
    case 'error': {
      const { ref, code, cause, requestId } = observation
      if (ref === undefined) return undefined
      const fields = { code, ...findCause(cause) }
      return { ref, line: { at, level: 'error', service: toServiceOfCode(code), message: toSentence(code, cause), requestId, fields } }
    }
    case 'operation': {
      const { ref, id, operation, step, status, attempt, message } = observation
      const level = status === 'failed' ? 'error' : message === undefined ? 'info' : 'warn'
      const text = `${operation}: ${step} ${status}${message === undefined ? '' : `: ${message}`}`
      return {
        ref,
        line: { at, level, service: 'operations', message: text, fields: { operationId: id, operation, step, status, attempt } },
      }
    }
    case 'pool': {
      const { ref, event, message } = observation
      const text = event === 'exhausted' ? `All database connections were in use: ${message}` : 'A database connection could not be opened.'
      return { ref, line: { at, level: 'warn', service: 'database', message: text, fields: { event } } }
    }
    default:
      return undefined
  }
}

function toLevel(status: number): LogLevel {
  return status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
}

/** The path as the project's own people know it: without `/projects/<ref>`. */
function toOwnPath(path: string): string {
  const start = path.startsWith('/projects/') ? path.indexOf('/', 10) : 0
  return start === -1 ? '/' : path.slice(start)
}

/** The service that a request was for, by its path; `gateway` where there is none of that name. */
function toService(path: string): LogService {
  const name = SERVICE_OF_PATH.exec(path)?.[1]
  return name !== undefined && isLogService(name) ? name : 'gateway'
}

function toServiceOfCode(code: string): LogService {
  const name = code.split('.')[0]!
  return isLogService(name) ? name : 'gateway'
}

function isLogService(name: string): name is LogService {
  return (LOG_SERVICES as readonly string[]).includes(name)
}

/** What may be shown of an error that nobody expected: its code's sentence. Its own words can hold anything that was sent to us. */
function toSentence(code: string, cause: unknown): string {
  const known = isServiceError(cause) ? cause.code : code
  return known in ERROR_CATALOG ? ERROR_CATALOG[known as keyof typeof ERROR_CATALOG].sentence : ERROR_CATALOG['system.unexpected'].sentence
}

function findCause(error: unknown, depth = 0): { sqlState?: string; name?: string } {
  if (isDatabaseError(error)) return { sqlState: error.code }
  if (isServiceError(error) && error.cause !== undefined && depth < 3) return findCause(error.cause, depth + 1)
  return error instanceof Error ? { name: error.name } : {}
}
