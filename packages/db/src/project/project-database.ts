import type { AppCaller } from '@polder/core'
import type { Kysely } from 'kysely'
import type { Client } from 'pg'
import type { Cancellation } from './cancellation.ts'
import type { FieldStream } from './field-stream.ts'
import type { ReplicationSession } from './replication/replication-session.ts'
import type { ProjectTables } from './tables/project-tables.ts'

/** Isolation levels that are more than `read committed`. */
export type IsolationLevel = 'repeatable read' | 'serializable'

/** SQL that the platform generated, to be judged by row-level security. Values travel apart from the text, always. */
export interface CallerStatement {
  /** One statement, `$1 …` for values. */
  text: string
  /** In Postgres' text format. */
  values: readonly (string | null)[]
  /** Refuses writes (`transaction_read_only`). */
  isReadOnly: boolean
  /** What functions and policies read as `request.method`, `request.path`, `request.headers`, `request.cookies` (JSON texts). */
  request: { method: string; path: string; headers: string; cookies: string }
  /** Schemas, in order, already validated as existing; each is quoted when set. */
  searchPath: readonly string[]
  /** IANA name, set for this statement only. */
  timeZone?: string
  /** Further settings for this statement only: set before the role is, so that what only the login may set can be. */
  settings?: readonly (readonly [name: string, value: string])[]
  /** Another isolation level than Postgres' own default. */
  isolation?: IsolationLevel
  /** A generated statement without values to run first, in the same transaction and as the same caller; what it gives is dropped. */
  before?: string
  /** The same to run last. */
  after?: string
  /** Whether the last field of a row of a megabyte and more may come as a stream; for statements that read and give one row. */
  isStreamed?: boolean
  /** Ends it when whoever asked has gone. */
  cancellation?: Cancellation
}

/** Rows as Postgres sent them (text format, bytes not copied or decoded), and the command tag, for example `INSERT 0 1`. */
export interface CallerResult {
  rows: (Buffer | null)[][]
  command: string
  /** How long Postgres took, the way there and back included. */
  durationMs: number
  /** In place of the last field of the one row: to be read to its end or destroyed, since it holds the connection. */
  stream?: FieldStream
}

/** Whether a statement's transaction is committed; it stays open until this is answered, so the answer must not take long. */
export type Keep = (result: CallerResult) => boolean | Promise<boolean>

/** The ways into one project's database. The name of the method is the security review. */
export interface ProjectDatabase {
  /**
   * Runs one generated statement as the caller's role with the caller's claims, in one transaction and one round trip.
   * Throws pg's `DatabaseError` as it came, `project.connections_exhausted`, `database.unavailable`, or `request.abandoned`.
   * With `keep`, the transaction is committed only if it answers true for the result (one more round trip).
   */
  asCaller(statement: CallerStatement, keep?: Keep): Promise<CallerResult>
  /**
   * The same as `service_role`, whoever the caller is: for what the platform has judged by itself, as a signed link or a public bucket.
   */
  asService(statement: CallerStatement, keep?: Keep): Promise<CallerResult>
  /**
   * Runs one generated statement once as each of these callers, who were all checked for this project, in one transaction and one
   * round trip, for reading only. Throws as `asCaller` does; what fails as one of them fails as all.
   */
  asCallers(statement: CallerStatement, callers: readonly AppCaller[]): Promise<CallerResult[]>
  /**
   * Runs one generated statement as the role `supabase_auth_admin`, for functions that the project wrote as hooks of its auth
   * service: with the rights that the project gave that role, and none of the platform's. Throws as `asCaller` does.
   */
  asAuthAdmin(statement: CallerStatement): Promise<CallerResult>
  /**
   * Runs the platform's own queries on the schemas that it owns (auth, storage …), in one transaction, as the project's
   * platform login: row-level security does not judge them. `search_path` is `pg_catalog`: qualify every name.
   */
  asOwner<Result>(work: (tx: Kysely<ProjectTables>) => Promise<Result>): Promise<Result>
  /**
   * Lends a connection of its own as the project's owner, for SQL that a person wrote; it is destroyed afterwards.
   * `await using session = await project.db.openOwnerSession()`.
   */
  openOwnerSession(): Promise<OwnerSession>
  /**
   * Lends a connection for logical decoding of this database, which shows every row of it: for the platform's own eyes. Throws
   * `database.unavailable` where the cluster does not let us read its WAL.
   */
  openReplication(): Promise<ReplicationSession>
}

/** A connection as the project's owner that nobody else ever uses. */
export interface OwnerSession extends AsyncDisposable {
  readonly client: Client
  /** Cancels what is running, from outside the connection. */
  cancel(): Promise<void>
}
