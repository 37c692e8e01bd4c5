import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { AuthUser } from '../auth-user.ts'
import { selectUserRows, toAuthUser } from './user-rows.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What a list of users can be ordered by. */
export type UserOrder = 'created_at' | 'updated_at' | 'last_sign_in_at' | 'email' | 'phone'

/** Which users a list shows. */
export type UserFilter = 'all' | 'confirmed' | 'unconfirmed' | 'anonymous' | 'banned'

export interface UserSelection {
  /** Part of an address, a number or a name, in any case, or a whole id. */
  search: string
  filter: UserFilter
  /** Only users who can sign in with this provider. */
  provider?: string
}

export interface UserPageQuery extends UserSelection {
  /** From 1. */
  page: number
  perPage: number
  orderBy: UserOrder
  isAscending: boolean
}

const FILTERS: Record<Exclude<UserFilter, 'all'>, RawBuilder<boolean>> = {
  confirmed: sql`auth.users.confirmed_at is not null`,
  unconfirmed: sql`auth.users.confirmed_at is null and not auth.users.is_anonymous`,
  anonymous: sql`auth.users.is_anonymous`,
  banned: sql`auth.users.banned_until > pg_catalog.now()`,
}

// Word for word what the index users_search_idx is on.
const SEARCHED = sql`(coalesce(auth.users.email, '') || ' ' || coalesce(auth.users.phone, '') || ' '
  || coalesce(auth.users.raw_user_meta_data ->> 'full_name', '') || ' ' || coalesce(auth.users.raw_user_meta_data ->> 'name', ''))`

/** A page of users and how many there are on all pages. */
export async function selectUserPage(tx: Kysely<ProjectTables>, query: UserPageQuery): Promise<{ users: AuthUser[]; total: number }> {
  const { page: number, perPage, orderBy, isAscending } = query
  const conditions = toConditions(query)
  const direction = isAscending ? sql`asc nulls last` : sql`desc nulls last`
  // the order of the primary index has its nulls first; created_at has none
  const order = orderBy === 'created_at' ? sql.raw(isAscending ? 'asc' : 'desc') : direction
  let page = tx.selectFrom('auth.users').select('auth.users.id')
  let count = tx.selectFrom('auth.users').select(sql<string>`pg_catalog.count(*)`.as('total'))
  for (const condition of conditions) {
    page = page.where(condition)
    count = count.where(condition)
  }
  const byField = sql`${sql.ref(`auth.users.${orderBy}`)} ${order}`
  const byId = sql`auth.users.id ${sql.raw(isAscending ? 'asc' : 'desc')}`
  // the page first: nothing is read of users who stand before it
  const ids = page
    .orderBy(byField)
    .orderBy(byId)
    .limit(perPage)
    .offset((number - 1) * perPage)
  const found = await selectUserRows(tx).where('auth.users.id', 'in', ids).orderBy(byField).orderBy(byId).execute()
  const { total } = await count.executeTakeFirstOrThrow()
  return { users: found.map(toAuthUser), total: Number(total) }
}

function toConditions({ search, filter, provider }: UserSelection): RawBuilder<boolean>[] {
  const conditions: RawBuilder<boolean>[] = []
  if (filter !== 'all') conditions.push(FILTERS[filter])
  if (provider !== undefined) {
    conditions.push(sql`exists (select from auth.identities as one where one.user_id = auth.users.id and one.provider = ${provider})`)
  }
  if (UUID.test(search)) conditions.push(sql`auth.users.id = ${search}::pg_catalog.uuid`)
  else if (search !== '') {
    // numbers are stored without their plus sign
    const text = /^\+\d+$/.test(search) ? search.slice(1) : search
    const part = `%${text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`
    conditions.push(sql`${SEARCHED} ilike ${part}`)
  }
  return conditions
}
