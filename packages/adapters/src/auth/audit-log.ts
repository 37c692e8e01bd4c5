import type { ProjectScope } from '@polder/db'
import { selectAuditPage, type AuditRow, type AuditSelection } from './queries/audit-log.ts'
import { requireAdmin } from './require-user.ts'

export type ListAuditInput = AuditSelection

/** A page of what happened to the project's users, newest first, and how many entries there are. */
export async function listAuditEntries(project: ProjectScope, input: ListAuditInput): Promise<{ entries: AuditRow[]; total: number }> {
  await requireAdmin(project)
  if (input.filter && (input.filter.part.includes('\0') || !input.filter.part.isWellFormed())) return { entries: [], total: 0 }
  return project.db.asOwner((tx) => selectAuditPage(tx, input))
}
