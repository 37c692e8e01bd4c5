import type { DatabaseError } from 'pg'
import type { PreparedStatement } from './prepared-statements.ts'
import type { FieldStream } from './field-stream.ts'
import type { CallerResult, CallerStatement } from './project-database.ts'

/** Who a statement runs as. */
export interface CallerIdentity {
  role: string
  claimsJson: string
}

/** What goes out with one Sync, which Postgres runs as one implicit transaction, and what comes back for it. */
export class Batch {
  /** The statement that callers asked for; undefined where the batch is only a `commit` or a `rollback`. */
  readonly statement: CallerStatement | undefined
  /** As whom it runs, one after the other. */
  readonly identities: readonly CallerIdentity[]
  readonly resolve: (results: CallerResult[]) => void
  readonly reject: (error: unknown) => void
  /** When Postgres could begin with it: it was sent, and what was sent before it is done. */
  startedAt = 0
  /** Whether it may be sent once more when a prepared statement turns out to be stale. */
  mayRepeat: boolean
  /** Statements sent to be parsed, in order; undefined for one that is not kept. */
  parsing: (PreparedStatement | undefined)[] = []
  /** Which of its statements is the next one that was asked for, and how many there are from one such to the next. */
  answering = 0
  stride = 0
  written = 0
  bound = 0
  completed = 0
  rows: (Buffer | null)[][] = []
  #results: CallerResult[] = []
  error: DatabaseError | undefined
  /** What of its answer is still being read. */
  stream: FieldStream | undefined
  /** Called when the connection is done with it. */
  onDone: (() => void) | undefined

  constructor(
    of: { statement: CallerStatement; identities: readonly CallerIdentity[] } | undefined,
    mayRepeat: boolean,
    resolve: (results: CallerResult[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.statement = of?.statement
    this.identities = of?.identities ?? []
    this.mayRepeat = mayRepeat
    this.resolve = resolve
    this.reject = reject
  }

  /** A statement is done; its command tag stands between the two places. */
  complete(chunk: Buffer, start: number, end: number): void {
    if (this.completed === this.answering) {
      this.#results.push({ rows: this.rows, command: chunk.toString('latin1', start, end), durationMs: 0 })
      this.rows = []
      this.answering += this.stride
    }
    this.completed += 1
  }

  /** Answers with the beginning of its one row; the rest comes by the stream. */
  resolveStreamed(fields: (Buffer | null)[], stream: FieldStream): void {
    this.stream = stream
    this.mayRepeat = false
    this.resolve([{ rows: [fields], command: '', durationMs: performance.now() - this.startedAt, stream }])
  }

  toResults(now: number): CallerResult[] {
    for (const result of this.#results) result.durationMs = now - this.startedAt
    return this.#results
  }

  /** As if it had never been sent. */
  reset(): void {
    this.parsing = []
    this.written = 0
    this.bound = 0
    this.completed = 0
    this.rows = []
    this.#results = []
    this.error = undefined
  }
}
