import type { ChangeOfUsers } from '@polder/core'
import { toServiceError, type ProjectScope } from '@polder/db'
import { updateUserById } from './admin-users.ts'
import type { AuthParts } from './auth-parts.ts'
import { deleteUser } from './delete-user.ts'
import { requireAdmin } from './require-user.ts'
import { endUserSessions } from './user-sessions.ts'

/** Why it was not done for one of them. */
export interface RefusedChange {
  userId: string
  code: string
  message: string
}

/** Users who are changed at a time: a few connections are enough, and others want some too. */
const AT_A_TIME = 4

/** Does the same to many users, each by itself: one that is refused keeps none of the others from it. */
export async function changeUsers(
  parts: AuthParts,
  project: ProjectScope,
  { userIds, change }: { userIds: readonly string[]; change: ChangeOfUsers },
): Promise<{ count: number; refused: RefusedChange[] }> {
  await requireAdmin(project)
  const left = [...new Set(userIds)]
  const refused: RefusedChange[] = []
  let count = 0
  const work = async () => {
    for (let userId = left.shift(); userId !== undefined; userId = left.shift()) {
      try {
        await changeUser(parts, project, userId, change)
        count += 1
      } catch (error) {
        const { kind, code, message } = toServiceError(error)
        // what is wrong with the project, and not with the user, is wrong with all
        if (kind === 'internal' || kind === 'unavailable') {
          left.length = 0
          throw error
        }
        refused.push({ userId, code, message })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return { count, refused }
}

async function changeUser(parts: AuthParts, project: ProjectScope, userId: string, change: ChangeOfUsers): Promise<void> {
  switch (change.kind) {
    case 'ban':
      await updateUserById(parts, project, userId, { banSeconds: change.banSeconds })
      return
    case 'unban':
      await updateUserById(parts, project, userId, { banSeconds: null })
      return
    case 'delete':
      await deleteUser(project, { userId, isSoft: change.isSoft })
      return
    case 'sign_out':
      await endUserSessions(project, { userId })
  }
}
