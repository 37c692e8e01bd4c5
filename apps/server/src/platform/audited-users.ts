import { insertAuditEntry, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

export interface UserChangeContext {
  services: { platform: PlatformDatabase }
  project: ProjectScope
  actor: Actor
}

/** Notes what a member did with a project's users, after it was done: they are in another database. */
export async function noteUserChange(
  { services, project, actor }: UserChangeContext,
  action: `user.${string}` | `auth.${string}`,
  target: string,
  details?: Record<string, unknown>,
): Promise<void> {
  await insertAuditEntry(services.platform, {
    actor,
    organizationId: project.configuration.organizationId,
    ref: project.ref,
    action,
    target,
    ...(details !== undefined && { details }),
  })
}
