import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** Who did something, as the audit log keeps it. Null ids stand for the system itself. */
export interface AuditActor {
  accountId: string | null
  email: string | null
  /** The access token that was used, if any. */
  tokenId: string | null
  ip: string | null
  requestId: string | null
}

export interface AuditNote {
  actor: AuditActor
  organizationId?: string
  ref?: string
  /** `<noun>.<verb>`, for example `project.create`. */
  action: string
  /** What it was done to: an id or a name. */
  target?: string
  /** Facts for readers; never a secret. */
  details?: Record<string, unknown>
}

/** Which part of the log to read, newest first. */
export interface AuditSelection {
  organizationId?: string
  ref?: string
  /** Id of the last entry seen. */
  before?: string
  limit: number
}

const COLUMNS = ['id', 'at', 'actor', 'action', 'ref', 'target', 'details', 'ip', 'request_id as requestId'] as const

/** Writes one entry; belongs in the transaction that changes what it tells of. */
export async function insertAuditEntry(tx: PlatformDatabase, note: AuditNote): Promise<void> {
  await tx
    .insertInto('audit_log')
    .values({
      account_id: note.actor.accountId,
      actor: note.actor.email,
      token_id: note.actor.tokenId,
      organization_id: note.organizationId ?? null,
      ref: note.ref ?? null,
      action: note.action,
      target: note.target ?? null,
      details: JSON.stringify(note.details ?? {}),
      ip: note.actor.ip,
      request_id: note.actor.requestId,
    })
    .execute()
}

/** Entries of an organization, or of one project, newest first. */
export function selectAuditEntries(tx: PlatformDatabase, page: AuditSelection) {
  let query = tx.selectFrom('audit_log').select(COLUMNS).orderBy('audit_log.id', 'desc').limit(page.limit)
  if (page.organizationId !== undefined) query = query.where('organization_id', '=', page.organizationId)
  if (page.ref !== undefined) query = query.where('ref', '=', page.ref)
  if (page.before !== undefined) query = query.where(sql<boolean>`id < ${page.before}::bigint`)
  return query.execute()
}
