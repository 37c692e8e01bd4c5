/** Settings of the embedded server by name, as postgresql.conf has them. */
export type PostgresSettings = Record<string, string | number | boolean>

/** What the embedded server runs with; `settings` of the caller overrule it. */
export const DEFAULT_SETTINGS: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_permissions: '0700',
  max_connections: 200,
  reserved_connections: 3,
  authentication_timeout: '10s',
  password_encryption: 'scram-sha-256',
  shared_buffers: '128MB',
  // the lock table is shared: with the default one project empties it for all in 64 ms; 1024 would cost another 20 MB of memory
  max_locks_per_transaction: 512,
  max_prepared_transactions: 0,
  wal_level: 'logical',
  max_wal_size: '4GB',
  max_slot_wal_keep_size: '1GB',
  // one for each project that is listened to, as many as there are slots, and some for those that change hands
  max_wal_senders: 16,
  // a thousand databases are hundreds of thousands of files: the default opens each of them after a crash
  ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
  autovacuum_naptime: '5min',
  jit: false,
  // never a pipe: a backend that logs into a full pipe stands still
  logging_collector: true,
  log_filename: 'postgres-%a.log',
  log_truncate_on_rotation: true,
  log_rotation_age: '1d',
  log_rotation_size: '0',
  log_line_prefix: '%m [%p] %u@%d ',
  log_timezone: 'UTC',
  timezone: 'UTC',
  datestyle: 'iso, mdy',
  default_text_search_config: 'pg_catalog.english',
  lc_messages: 'C',
}

/** The whole of postgresql.conf. */
export function toPostgresConf(settings: PostgresSettings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${toValue(value)}`)
  return `# Written at every start.\n${lines.join('\n')}\n`
}

function toValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (typeof value === 'number') return String(value)
  return `'${value.replaceAll("'", "''")}'`
}

const PROJECT = '"/^project_[a-z0-9-]+$"'
const PLATFORM = '"/^platform(_[a-z0-9_]+)?$"'
const TEMPLATE = '"/^project_template_[a-z0-9_]+$"'
const DRAFT = '"/^project_spare_new_[0-9a-f]+$"'
const LOGINS = '"/^project_[a-z0-9-]+_(owner|authenticator|platform|backup)$"'

/** Databases, users, method; the first rule that matches counts. */
const RULES: [string, string, 'reject' | 'scram-sha-256'][] = [
  // the project's own code would run with their rights there
  [PROJECT, 'postgres,platform_ctl', 'reject'],
  [`postgres,${PLATFORM},${TEMPLATE}`, 'postgres', 'scram-sha-256'],
  [PLATFORM, 'platform_ctl', 'scram-sha-256'],
  // a copy that no project has had yet, before it joins those that wait for one
  [DRAFT, 'platform_ctl', 'scram-sha-256'],
  // logical decoding only: a physical copy of the cluster would need a "replication" line, and there is none
  [PROJECT, 'platform_repl', 'scram-sha-256'],
  // a project's login enters the one database that has the name of its group
  ['samerole', LOGINS, 'scram-sha-256'],
  ['all', 'all', 'reject'],
]

/** The whole of pg_hba.conf: who may enter which database, by socket and over loopback. */
export function toPgHba(): string {
  const lines = RULES.flatMap(([databases, users, method]) => [
    `local ${databases} ${users} ${method}`,
    `host ${databases} ${users} ${method === 'reject' ? 'all' : '127.0.0.1/32'} ${method}`,
  ])
  return `# Written at every start.\n${lines.join('\n')}\n`
}
