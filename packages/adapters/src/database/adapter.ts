import {
  ServiceError,
  type DatabaseSize,
  type ListRows,
  type ListTables,
  type Observe,
  type ProjectRef,
  type RowPage,
  type RunSql,
  type Schema,
  type SqlRun,
  type Table,
} from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { selectDatabaseBytes, selectSchemas, selectTables, selectTypeNames, type TableRow } from './queries.ts'
import { readRows } from './read-rows.ts'
import { runScript, type ScriptOutcome } from './run-script.ts'
import type { ScriptLimits, WireColumn } from './script-results.ts'
import { terminateBackend } from './terminate-backend.ts'

/** SQL that people write, and what there is in a project's database. */
export interface DatabaseAdapter {
  /**
   * Runs a script as the project's owner on a connection of its own. What the SQL does wrong is in the run's `failure`;
   * throws `project.connections_exhausted` or `database.unavailable` if it could not be begun.
   */
  runSql(project: ProjectScope, input: RunSql): Promise<SqlRun>
  listSchemas(project: ProjectScope): Promise<Schema[]>
  listTables(project: ProjectScope, input: ListTables): Promise<Table[]>
  /**
   * Reads a page of a table or view. Throws `database.table_not_found`, `database.column_not_found`,
   * `database.sql_timeout`, `database.sql_failed`, and `access.forbidden` for the platform's own schemas.
   */
  listRows(project: ProjectScope, input: ListRows): Promise<RowPage>
  getSize(project: ProjectScope): Promise<DatabaseSize>
}

export interface DatabaseAdapterDependencies {
  /** SQL has run that may have changed tables, functions or rights. */
  onSchemaChanged: (ref: ProjectRef) => void | Promise<void>
  observe: Observe
  /** Wall-clock time of one run; 60 s when absent. */
  sqlTimeoutMs?: number
  /** Wall-clock time of reading one page of rows; 10 s when absent. */
  rowsTimeoutMs?: number
}

export function createDatabaseAdapter({
  onSchemaChanged,
  observe,
  sqlTimeoutMs = 60_000,
  rowsTimeoutMs = 10_000,
}: DatabaseAdapterDependencies): DatabaseAdapter {
  const watch = (project: ProjectScope, timeoutMs: number) => ({
    timeoutMs,
    graceMs: GRACE_MS,
    terminate: (backendPid: number) => terminateBackend(project, backendPid),
  })

  async function notify(project: ProjectScope, { results, isConnectionLost }: ScriptOutcome) {
    if (!isConnectionLost && ![...results.commands.keys()].some(mayChangeSchema)) return
    try {
      await onSchemaChanged(project.ref)
    } catch (cause) {
      // The SQL has run: what follows from it must not make the run look failed.
      observe({ kind: 'error', ref: project.ref, code: 'system.unexpected', cause })
    }
  }

  return {
    async runSql(project, { sql, maxRows }) {
      const startedAt = performance.now()
      await using session = await project.db.openOwnerSession()
      const outcome = await runScript(session, sql, { ...SCRIPT_LIMITS, maxRows, ...watch(project, sqlTimeoutMs) })
      await notify(project, outcome)
      const typeNames = await findTypeNames(
        project,
        outcome.results.results.flatMap(({ columns }) => columns),
      )
      return {
        results: outcome.results.results.map((result) => ({
          ...result,
          columns: result.columns.map((column) => toColumn(column, typeNames)),
        })),
        notices: outcome.results.notices,
        failure: outcome.failure,
        durationMs: performance.now() - startedAt,
        commands: Object.fromEntries(outcome.results.commands),
      }
    },

    async listSchemas(project) {
      const rows = await project.db.asOwner((tx) => selectSchemas(tx))
      return rows.map((row) => ({ name: row.name, isPlatform: row.is_platform }))
    },

    async listTables(project, { schema }) {
      const rows = await project.db
        .asOwner((tx) => selectTables(tx, { schema, sizes: 'files' }))
        // Somebody is altering a table: better rough sizes than no list.
        .catch((error: unknown) =>
          isLockTimeout(error) ? project.db.asOwner((tx) => selectTables(tx, { schema, sizes: 'pages' })) : Promise.reject(error),
        )
      return rows.map(toTable)
    },

    listRows: (project, input) => readRows(project, input, watch(project, rowsTimeoutMs)),

    async getSize(project) {
      return { bytes: await project.db.asOwner((tx) => selectDatabaseBytes(tx)) }
    },
  }
}

/** What one answer may weigh, with room for the JSON around it. */
const SCRIPT_LIMITS: Omit<ScriptLimits, 'maxRows'> = { maxCharacters: 8_000_000, maxResults: 200, maxNotices: 100, maxMessage: 10_000 }

/** A cancelled statement has a second to end before its backend is terminated. */
const GRACE_MS = 1_000

const HARMLESS = new Set([
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'MERGE',
  'EXPLAIN',
  'SHOW',
  'SET',
  'RESET',
  'BEGIN',
  'START TRANSACTION',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT',
  'RELEASE',
  'COPY',
  'FETCH',
  'LOCK TABLE',
  'ANALYZE',
  'VACUUM',
  'TRUNCATE TABLE',
])

function mayChangeSchema(command: string): boolean {
  return !HARMLESS.has(command)
}

/** Names of the types of a run's columns; `unknown` for types that are gone with the transaction that made them. */
async function findTypeNames(project: ProjectScope, columns: WireColumn[]): Promise<Map<string, string>> {
  const types = new Map(columns.map(({ typeId: id, typeModifier: modifier }) => [`${id} ${modifier}`, { id, modifier }]))
  if (types.size === 0) return new Map()
  const names = await project.db.asOwner((tx) => selectTypeNames(tx, [...types.values()])).catch(() => [])
  return new Map([...types.keys()].map((key, place) => [key, names[place] ?? '???']))
}

function toColumn({ name, typeId, typeModifier }: WireColumn, typeNames: Map<string, string>) {
  const type = typeNames.get(`${typeId} ${typeModifier}`) ?? '???'
  return { name, type: type === '???' ? 'unknown' : type }
}

function isLockTimeout(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === '55P03'
}

const TABLE_KINDS = { r: 'table', v: 'view', m: 'materialized_view', p: 'partitioned_table', f: 'foreign_table' } as const

function toTable(row: TableRow): Table {
  return {
    schema: row.schema,
    name: row.name,
    kind: TABLE_KINDS[row.kind],
    estimatedRows: row.estimated_rows < 0 ? null : row.estimated_rows,
    bytes: row.bytes,
    hasRowSecurity: row.has_row_security,
    comment: row.comment,
    columns: row.columns.map((column) => ({
      name: column.name,
      type: column.type,
      isNullable: column.is_nullable,
      isPrimaryKey: column.is_primary_key,
      isGenerated: column.is_generated,
      defaultExpression: column.default_expression,
      references: column.references,
    })),
  }
}
