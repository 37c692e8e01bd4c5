import {
  ServiceError,
  type ExportLogs,
  type LogConditions,
  type LogEntry,
  type LogHistogram,
  type LogHistogramQuery,
  type LogPage,
  type LogService,
  type QueryLogs,
  type WriteLog,
} from '@polder/core'
import { isConnectionLost, type LogDatabase, type LogWriter, type ProjectScope } from '@polder/db'
import { countBars } from './count-bars.ts'
import { encodeExport } from './encode-export.ts'
import { followLines } from './follow-lines.ts'
import { readAllLines } from './read-all-lines.ts'
import { readPage } from './read-page.ts'

export interface LogsAdapterDependencies {
  db: LogDatabase
  writer: Pick<LogWriter, 'write' | 'flush'>
  /** How long one page or histogram may be looked for. */
  patienceMs?: number
  /** How often a live view looks for new lines. */
  pollMs?: number
}

/** What a project's own people and apps know of a line that they write. */
export interface WriteLogFacts {
  service?: LogService
  requestId?: string
  userId?: string
}

/** Whose log: a scope, or the checked record of a project that cannot be opened just now, of which the log tells why. */
export type LoggedProject = Pick<ProjectScope, 'ref'>

/** One project's log: writing a line, and every way of reading. Throws `logs.unavailable` while the log database cannot be reached. */
export interface LogsAdapter {
  log(project: LoggedProject, input: WriteLog, facts?: WriteLogFacts): void
  query(project: LoggedProject, input: QueryLogs): Promise<LogPage>
  histogram(project: LoggedProject, input: LogHistogramQuery): Promise<LogHistogram>
  /** The lines, oldest first, as pieces of a text in the format asked for; memory stays flat however many there are. */
  export(project: LoggedProject, input: ExportLogs): AsyncGenerator<string>
  /** Lines that come in from now on, in batches, until the signal. */
  follow(project: LoggedProject, conditions: LogConditions, signal: AbortSignal): AsyncGenerator<LogEntry[]>
}

/** Makes the adapter; every query is narrowed to the project of the scope, and to nothing that a caller says. */
export function createLogsAdapter({ db, writer, patienceMs = 5_000, pollMs = 500 }: LogsAdapterDependencies): LogsAdapter {
  return {
    log(project, { level, message, fields }, facts = {}) {
      writer.write(project.ref, { at: Date.now(), level, service: facts.service ?? 'app', message, fields, ...facts })
    },
    query: (project, input) => reading(readPage(db, project.ref, input, patienceMs)),
    histogram: (project, input) => reading(countBars(db, project.ref, input, patienceMs)),
    export: (project, { format, ...selection }) => encodeExport(format, readAllLines(db, project.ref, selection)),
    follow: (project, conditions, signal) => followLines(db, project.ref, conditions, pollMs, signal),
  }
}

async function reading<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (isConnectionLost(cause)) throw new ServiceError('logs.unavailable', { cause })
    throw cause
  }
}
