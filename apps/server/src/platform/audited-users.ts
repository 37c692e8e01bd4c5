import type { AuthAdapter, AuthUser, CreateUserInput } from '@polder/adapters/auth'
import { insertAuditEntry, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

export interface AuditedUsersDependencies {
  platform: PlatformDatabase
  adapters: { auth: Pick<AuthAdapter, 'createUser' | 'deleteUser'> }
}

/** Adds a user to a project for a member, and notes who did it. */
export async function createAuditedUser(
  { platform, adapters }: AuditedUsersDependencies,
  project: ProjectScope,
  actor: Actor,
  input: CreateUserInput,
): Promise<AuthUser> {
  const user = await adapters.auth.createUser(project, input)
  await insertAuditEntry(platform, { ...whereabouts(project, actor), action: 'user.create', target: user.id })
  return user
}

/** Deletes a project's user for a member, and notes who did it. */
export async function deleteAuditedUser(
  { platform, adapters }: AuditedUsersDependencies,
  project: ProjectScope,
  actor: Actor,
  userId: string,
): Promise<void> {
  await adapters.auth.deleteUser(project, { userId })
  await insertAuditEntry(platform, { ...whereabouts(project, actor), action: 'user.delete', target: userId })
}

function whereabouts(project: ProjectScope, actor: Actor) {
  return { actor, organizationId: project.configuration.organizationId, ref: project.ref }
}
