import type { ProjectScope } from '@polder/db'
import type { AuthUser } from './auth-user.ts'
import { selectUserPage, type UserFilter, type UserOrder } from './queries/user-pages.ts'
import { requireAdmin } from './require-user.ts'

export interface ListUsersInput {
  /** From 1. */
  page: number
  perPage: number
  /** Part of an address, a number or a name, or a whole id. */
  search?: string
  filter?: UserFilter
  provider?: string
  orderBy?: UserOrder
  isAscending?: boolean
}

/** A page of the project's users, newest first unless it is asked for otherwise, and how many there are. */
export async function listUsers(project: ProjectScope, input: ListUsersInput): Promise<{ users: AuthUser[]; total: number }> {
  await requireAdmin(project)
  const { search = '', filter = 'all', orderBy = 'created_at', isAscending = false, ...rest } = input
  // no address and no name has these, and Postgres takes them for no text
  if (search.includes('\0') || !search.isWellFormed()) return { users: [], total: 0 }
  return project.db.asOwner((tx) => selectUserPage(tx, { ...rest, search, filter, orderBy, isAscending }))
}
