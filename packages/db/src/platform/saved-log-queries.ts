import { logConditionsSchema, type SavedLogQuery, type SaveLogQuery } from '@polder/core'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = ['id', 'name', 'conditions', 'last_minutes as lastMinutes', 'created_at as createdAt'] as const

/** The saved queries of a project, by name. */
export async function selectSavedLogQueries(tx: PlatformDatabase, ref: string): Promise<SavedLogQuery[]> {
  const rows = await tx.selectFrom('saved_log_queries').select(COLUMNS).where('ref', '=', ref).orderBy('name').execute()
  return rows.map((row) => ({ ...row, conditions: logConditionsSchema.parse(row.conditions) }))
}

/** Keeps a query; one of the same name is replaced. */
export async function upsertSavedLogQuery(
  tx: PlatformDatabase,
  ref: string,
  createdBy: string,
  query: SaveLogQuery,
): Promise<SavedLogQuery> {
  await tx
    .deleteFrom('saved_log_queries')
    .where('ref', '=', ref)
    .where((where) => where.eb(where.fn('lower', ['name']), '=', query.name.toLowerCase()))
    .execute()
  const row = await tx
    .insertInto('saved_log_queries')
    .values({ ref, name: query.name, conditions: JSON.stringify(query.conditions), last_minutes: query.lastMinutes, created_by: createdBy })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
  return { ...row, conditions: query.conditions }
}

/** Answers whether it was there. */
export async function deleteSavedLogQuery(tx: PlatformDatabase, ref: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom('saved_log_queries').where('ref', '=', ref).where('id', '=', id).executeTakeFirst()
  return numDeletedRows > 0n
}

/** How many the project has. */
export async function countSavedLogQueries(tx: PlatformDatabase, ref: string): Promise<number> {
  const { n } = await tx
    .selectFrom('saved_log_queries')
    .select((select) => select.fn.countAll<string>().as('n'))
    .where('ref', '=', ref)
    .executeTakeFirstOrThrow()
  return Number(n)
}
