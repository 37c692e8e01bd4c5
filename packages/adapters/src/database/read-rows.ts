import { ServiceError, type ListRows, type RowPage } from '@polder/core'
import { isDatabaseError, toServiceError, type OwnerSession, type ProjectScope } from '@polder/db'
import type { CompiledQuery } from 'kysely'
import { compileReadTransaction, compileRowCount, compileRowPage, compileTimeout, selectRelation, type RelationRow } from './queries.ts'
import { withWatchdog, type WatchdogLimits } from './watchdog.ts'

/** Reads a page as the project's owner in a read-only transaction: views and their functions are a person's SQL. */
export async function readRows(project: ProjectScope, input: ListRows, limits: WatchdogLimits): Promise<RowPage> {
  const relation = await project.db.asOwner((tx) => selectRelation(tx, input))
  if (!relation) throw new ServiceError('database.table_not_found')
  // Whoever may read may not thereby read password hashes and refresh tokens.
  if (relation.is_platform)
    throw new ServiceError('access.forbidden', { message: "Rows of the platform's own schemas are read with SQL only." })
  const page = compileRowPage({ ...input, columns: relation.columns, orderBy: toOrder(relation, input), maxCharacters: MAX_CELL })

  await using session = await project.db.openOwnerSession()
  const { value, isTimedOut } = await withWatchdog(session, limits, async () => {
    await session.client.query(compileReadTransaction(limits.timeoutMs))
    const rows = relation.columns.length > 0 ? await readAll(session, page) : []
    return { rows, count: await countRows(session, relation, input) }
  }).catch((error: unknown) => {
    throw toRowsError(error)
  })
  if (isTimedOut || !value) throw new ServiceError('database.sql_timeout')
  return { columns: relation.columns.map(({ name, type }) => ({ name, type })), ...cutCells(value.rows), ...toTotal(relation, value.count) }
}

/** Characters shown of one value. */
const MAX_CELL = 10_000

/** Up to here rows are counted one by one. */
const MAX_COUNTED = 100_000

const COUNT_TIMEOUT_MS = 2_000

/** The order asked for, made complete by the primary key so that pages neither overlap nor skip. */
function toOrder({ columns, primary_key }: RelationRow, { orderBy }: ListRows) {
  if (orderBy && !columns.some(({ name }) => name === orderBy.column)) throw new ServiceError('database.column_not_found')
  const key = primary_key.filter((column) => column !== orderBy?.column).map((column) => ({ column, descending: false }))
  return orderBy ? [orderBy, ...key] : key
}

/** Undefined when there are too many, or when counting takes too long: a page without a total is better than none. */
async function countRows(session: OwnerSession, relation: RelationRow, { schema, table }: ListRows): Promise<number | undefined> {
  if (relation.estimated_rows > 2 * MAX_COUNTED) return undefined
  try {
    await session.client.query(compileTimeout(COUNT_TIMEOUT_MS))
    const [row] = await readAll(session, compileRowCount({ schema, table, limit: MAX_COUNTED + 1 }))
    const count = Number(row?.[0])
    return count > MAX_COUNTED ? undefined : count
  } catch (error) {
    if (isDatabaseError(error) && error.code === '57014') return undefined
    throw error
  }
}

function toTotal({ estimated_rows }: RelationRow, count: number | undefined): Pick<RowPage, 'total' | 'isTotalExact'> {
  if (count !== undefined) return { total: count, isTotalExact: true }
  return { total: Math.max(estimated_rows, MAX_COUNTED), isTotalExact: false }
}

async function readAll(session: OwnerSession, { sql, parameters }: CompiledQuery): Promise<(string | null)[][]> {
  const { rows } = await session.client.query<(string | null)[]>({ text: sql, values: [...parameters], rowMode: 'array' })
  return rows
}

function cutCells(rows: (string | null)[][]): Pick<RowPage, 'rows' | 'cutCells'> {
  const cut: RowPage['cutCells'] = []
  const shown = rows.map((cells, row) =>
    cells.map((cell, column) => {
      if (cell === null || cell.length <= MAX_CELL) return cell
      const characters = [...cell]
      if (characters.length <= MAX_CELL) return cell
      cut.push({ row, column })
      return characters.slice(0, MAX_CELL).join('')
    }),
  )
  return { rows: shown, cutCells: cut }
}

/** What a view's own SQL does wrong is its author's to mend, so its message is passed on. */
function toRowsError(error: unknown): ServiceError {
  if (!isDatabaseError(error)) return toServiceError(error)
  if (error.code === '57014') return new ServiceError('database.sql_timeout', { cause: error })
  if (/^(?:08|53|57)/.test(error.code ?? '')) return toServiceError(error)
  return new ServiceError('database.sql_failed', { message: error.message, details: { sqlState: error.code }, cause: error })
}
