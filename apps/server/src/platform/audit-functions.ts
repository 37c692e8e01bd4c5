import { insertAuditEntry, type PlatformDatabase, type ProjectScope } from '@polder/db'
import type { Actor } from './actor.ts'

/** Writes down who changed something of a project's functions, in the transaction that changes it. */
export function noteFunctionChange(project: ProjectScope, actor: Actor, action: string, target: string, details?: Record<string, unknown>) {
  return (tx: PlatformDatabase): Promise<void> =>
    insertAuditEntry(tx, {
      actor,
      organizationId: project.configuration.organizationId,
      ref: project.ref,
      action,
      target,
      ...(details !== undefined && { details }),
    })
}
