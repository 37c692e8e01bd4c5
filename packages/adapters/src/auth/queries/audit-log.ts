import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

/** GoTrue's words for what happened, each with the kind of entry that it is. */
const LOG_TYPES = {
  user_signedup: 'team',
  user_deleted: 'team',
  user_confirmation_requested: 'user',
  user_repeated_signup: 'user',
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
