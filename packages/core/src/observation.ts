import type { LogLevel, LogService } from './logs/log-line.ts'

/**
 * Everything the system says about itself. `report.ts` of the server turns it into log lines and counters of the installation, and
 * whatever names a project also becomes a line of that project's log: see `toLogLine` of the logs adapter.
 */
export type Observation =
  | RequestObservation
  | LogObservation
  | { kind: 'error'; requestId?: string; ref?: string; code: string; cause: unknown }
  | { kind: 'operation'; id: string; ref: string; operation: string; step: string; status: string; attempt: number; message?: string }
  | { kind: 'cluster'; event: 'starting' | 'adopted' | 'started' | 'stopped' | 'lost'; message: string }
  | { kind: 'pool'; event: 'connection_error' | 'exhausted'; ref: string; message: string }
  | { kind: 'server'; event: 'listening' | 'stopping' | 'warning'; message: string }

/** A request that was answered, or whose client went away. */
export interface RequestObservation {
  kind: 'request'
  requestId: string
  method: string
  /** Path and query as they came: whoever keeps it takes the secrets out first. */
  path: string
  status: number
  durationMs: number
  ref?: string
  service?: LogService
  /** The project's user who asked. */
  userId?: string
  ip?: string
  /** What of the answer went over the wire, its head included. */
  bytesOut?: number
}

/**
 * Something that a service says to a project's people: one line of the project's log. Secrets are taken out of `message` and
 * `fields` by their form and name before the line is kept, but should not be in them.
 */
export interface LogObservation {
  kind: 'log'
  ref: string
  level: LogLevel
  service: LogService
  message: string
  requestId?: string
  userId?: string
  method?: string
  path?: string
  status?: number
  durationMs?: number
  fields?: Readonly<Record<string, unknown>>
}

export type Observe = (observation: Observation) => void
