import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { AuthUser } from '../auth-user.ts'
import { selectUserRows, toAuthUser } from './user-rows.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export interface UserPageQuery {
  /** From 1. */
  page: number
  perPage: number
  /** Part of an address or of `full_name`, in any case, or a whole id. */
  search: string
  isOldestFirst: boolean
}

/** A page of users and how many there are on all pages. */
export async function selectUserPage(tx: Kysely<ProjectTables>, query: UserPageQuery): Promise<{ users: AuthUser[]; total: number }> {
  const { page, perPage, search, isOldestFirst } = query
  const part = `%${search.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`
  const matches = UUID.test(search)
    ? sql<boolean>`auth.users.id = ${search}::pg_catalog.uuid`
    : sql<boolean>`(auth.users.email ilike ${part} or auth.users.raw_user_meta_data ->> 'full_name' ilike ${part})`
  const direction = isOldestFirst ? 'asc' : 'desc'

  let rows = selectUserRows(tx).orderBy('auth.users.created_at', direction).orderBy('auth.users.id', direction)
  let count = tx.selectFrom('auth.users').select(sql<string>`pg_catalog.count(*)`.as('total'))
  if (search !== '') {
    rows = rows.where(matches)
    count = count.where(matches)
  }
  const found = await rows
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await count.executeTakeFirstOrThrow()
  return { users: found.map(toAuthUser), total: Number(total) }
}
