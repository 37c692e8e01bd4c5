import { isServiceError, type Observation, type Observe } from '@polder/core'
import { pino, type DestinationStream, type Logger } from 'pino'

export interface Report {
  observe: Observe
  /** How often each kind of observation was made since the start; errors also by their code. */
  readonly counters: ReadonlyMap<string, number>
  /** One line for the person who started the server, whatever the log level. */
  say(message: string): void
}

/** Requests slower than this are logged at every level. */
const SLOW_REQUEST_MS = 1000

const SECRET_PARAMETERS = /([?&](?:apikey|api_key|token|access_token|refresh_token|code|password|input)=)[^&#]*/gi

/** The path without what signs a caller in: keys, tokens, and inputs that may hold a password. */
export function toLoggedPath(path: string): string {
  return path.length > 2000 ? `${path.slice(0, 2000).replace(SECRET_PARAMETERS, '$1…')}…` : path.replace(SECRET_PARAMETERS, '$1…')
}

/** Turns what the system says about itself into log lines and counters. */
export function createReport(options: { level: string; destination?: DestinationStream }): Report {
  const log = pino(
    {
      level: options.level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['authorization', 'apikey', 'cookie', '*.authorization', '*.apikey', '*.cookie', '*.password'], censor: '…' },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
  const counters = new Map<string, number>()
  const count = (name: string) => counters.set(name, (counters.get(name) ?? 0) + 1)
  return {
    counters,
    say: (message) => process.stdout.write(`${message}\n`),
    observe(observation) {
      count(observation.kind)
      if (observation.kind === 'error') count(`error.${observation.code}`)
      write(log, observation)
    },
  }
}

function write(log: Logger, observation: Observation): void {
  switch (observation.kind) {
    case 'request': {
      const level = observation.status >= 500 || observation.durationMs > SLOW_REQUEST_MS ? 'warn' : 'debug'
      if (log.isLevelEnabled(level))
        log[level]({ ...observation, path: toLoggedPath(observation.path), durationMs: Math.round(observation.durationMs * 10) / 10 })
      return
    }
    case 'log':
      // Written into the log of its project, which is where it belongs.
      return
    case 'error':
      log.error({ ...observation, cause: toLoggedError(observation.cause) })
      return
    case 'operation':
      log[observation.status === 'failed' ? 'warn' : 'debug'](observation)
      return
    case 'pool':
      log.warn(observation)
      return
    case 'cluster':
      log[observation.event === 'lost' ? 'error' : 'info'](observation)
      return
    case 'server':
      log[observation.event === 'warning' ? 'warn' : 'info'](observation)
  }
}

/** What of an error may be logged: where it came from, and never the values that a statement or a connection carried. */
function toLoggedError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: typeof error === 'string' ? error : typeof error }
  const code = 'code' in error ? error.code : undefined
  return {
    name: error.name,
    code,
    message: error.message,
    stack: isServiceError(error)
      ? undefined
      : error.stack
          ?.split('\n')
          .slice(1, 12)
          .map((line) => line.trim()),
    cause: error.cause !== undefined && depth < 3 ? toLoggedError(error.cause, depth + 1) : undefined,
  }
}
