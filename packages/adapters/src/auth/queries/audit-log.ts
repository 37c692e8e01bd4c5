import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

/** GoTrue's words for what happened, each with the kind of entry that it is. */
const LOG_TYPES = {
  user_signedup: 'team',
  user_invited: 'team',
  user_deleted: 'team',
  user_confirmation_requested: 'user',
  user_repeated_signup: 'user',
  user_recovery_requested: 'user',
  user_reauthenticate_requested: 'user',
  user_modified: 'user',
  user_updated_password: 'user',
  login: 'account',
  logout: 'account',
  token_revoked: 'token',
} as const

export interface AuditEntry {
  action: keyof typeof LOG_TYPES
  actor: { id: string; name: string }
  ip: string | null
  traits?: Record<string, unknown>
}

/** Notes what happened in the project's own log, which its owner can read. */
export async function insertAuditEntry(tx: Kysely<ProjectTables>, { action, actor, ip, traits }: AuditEntry): Promise<void> {
  const payload = JSON.stringify({
    action,
    actor_id: actor.id,
    actor_username: actor.name,
    actor_via_sso: false,
    log_type: LOG_TYPES[action],
    ...(traits === undefined ? {} : { traits }),
  })
  await sql`
    insert into auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
    values ('00000000-0000-0000-0000-000000000000', pg_catalog.gen_random_uuid(), ${payload}::pg_catalog.json, pg_catalog.now(), ${ip ?? ''})`.execute(
    tx,
  )
}

export interface AuditSelection {
  /** From 1. */
  page: number
  perPage: number
  /** Keys of the payload, and a part that one of them must have. */
  filter?: { keys: readonly string[]; part: string }
  /** Whose user acted, or was acted on. */
  userId?: string
}

export interface AuditRow {
  id: string
  payload: Record<string, unknown>
  createdAt: Date
  ipAddress: string
}

/** A page of the log, newest first, and how many entries there are. */
export async function selectAuditPage(
  tx: Kysely<ProjectTables>,
  selection: AuditSelection,
): Promise<{ entries: AuditRow[]; total: number }> {
  const { page, perPage, filter, userId } = selection
  let query = tx.selectFrom('auth.audit_log_entries')
  if (filter !== undefined) {
    const part = `%${filter.part.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`
    const conditions = filter.keys.map((key) => sql`payload ->> ${key} ilike ${part}`)
    query = query.where(sql<boolean>`(${sql.join(conditions, sql` or `)})`)
  }
  if (userId !== undefined) {
    query = query.where(sql<boolean>`(payload ->> 'actor_id' = ${userId} or payload -> 'traits' ->> 'user_id' = ${userId})`)
  }
  const rows = await query
    .select(['id', 'payload', 'created_at', 'ip_address'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(perPage)
    .offset((page - 1) * perPage)
    .execute()
  const { total } = await query.select(sql<string>`pg_catalog.count(*)`.as('total')).executeTakeFirstOrThrow()
  const entries = rows.map((row) => ({
    id: row.id,
    payload: (typeof row.payload === 'object' && row.payload !== null ? row.payload : {}) as Record<string, unknown>,
    createdAt: row.created_at instanceof Date ? row.created_at : new Date(0),
    ipAddress: row.ip_address,
  }))
  return { entries, total: Number(total) }
}
