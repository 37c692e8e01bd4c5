import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { withDatabaseError } from './database-error.ts'
import { insertAuditEntry } from './queries/audit-log.ts'
import { deleteSessions } from './queries/sessions.ts'
import { deleteUser as deleteUserRow, findUserById, softDeleteUser } from './queries/users.ts'
import { isUuid, requireAdmin, toActor } from './require-user.ts'

export interface DeleteUserInput {
  userId: string
  /** Keeps the row, emptied, so that foreign keys to it stay. */
  isSoft?: boolean
}

/** Removes a user. Throws `auth.user_not_found`, and `auth.database_error` when the project's own tables hold on to the row. */
export async function deleteUser(project: ProjectScope, { userId, isSoft = false }: DeleteUserInput): Promise<void> {
  await requireAdmin(project)
  if (!isUuid(userId)) throw new ServiceError('auth.user_not_found')
  const work = project.db.asOwner(async (tx) => {
    const user = await findUserById(tx, userId)
    if (!user) throw new ServiceError('auth.user_not_found')
    const traits = { user_id: userId, user_email: user.email ?? '', user_phone: user.phone ?? '' }
    await insertAuditEntry(tx, { action: 'user_deleted', actor: toActor(project), ip: null, traits })
    if (isSoft) {
      await softDeleteUser(tx, userId)
      await deleteSessions(tx, userId)
    } else if (!(await deleteUserRow(tx, userId))) {
      throw new ServiceError('auth.database_error', { message: 'Database error deleting user' })
    }
  })
  await withDatabaseError('Database error deleting user', work)
}
