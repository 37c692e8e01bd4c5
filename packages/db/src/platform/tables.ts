import type {
  ClusterWall,
  MemberRole,
  OperationKind,
  OperationStep,
  ProjectStatus,
  PublicJwk,
  SigningAlgorithm,
  SigningKeyStatus,
} from '@polder/core'
import type { ColumnType, Generated } from 'kysely'
import type {
  FunctionCallCountsTable,
  FunctionInvocationsTable,
  FunctionScheduleRunsTable,
  FunctionSchedulesTable,
  FunctionSecretsTable,
  FunctionVersionsTable,
  FunctionsTable,
} from './function-tables.ts'

type Json<T> = ColumnType<T, string, string>
type Timestamp = ColumnType<Date, Date | undefined, Date>

export interface AccountsTable {
  id: Generated<string>
  email: string
  name: Generated<string>
  password_hash: string
  is_administrator: Generated<boolean>
  disabled_at: Date | null
  password_changed_at: Timestamp
  created_at: Timestamp
  updated_at: Timestamp
}

export interface SessionsTable {
  /** sha256 of the session id, hex. */
  id: string
  public_id: Generated<string>
  account_id: string
  user_agent: string | null
  ip: string | null
  created_at: Timestamp
  last_seen_at: Timestamp
  expires_at: Date
}

export interface AccessTokensTable {
  id: Generated<string>
  account_id: string
  name: string
  prefix: string
  token_hash: Buffer
  access: 'read' | 'write'
  organization_id: string | null
  project_refs: string[] | null
  created_at: Timestamp
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}

export interface OrganizationsTable {
  id: Generated<string>
  name: string
  created_at: Timestamp
  updated_at: Timestamp
}

export interface MembersTable {
  organization_id: string
  account_id: string
  role: MemberRole
  created_at: Timestamp
}

export interface InvitationsTable {
  id: Generated<string>
  organization_id: string
  email: string
  role: MemberRole
  token_hash: Buffer
  invited_by: string | null
  created_at: Timestamp
  expires_at: Date
  accepted_at: Date | null
  revoked_at: Date | null
}

export interface ClustersTable {
  id: Generated<string>
  name: string
  kind: 'embedded' | 'external'
  region: Generated<string>
  admin_url: Buffer | null
  server_version: string | null
  walls: Json<ClusterWall[]>
  accepts_projects: Generated<boolean>
  created_at: Timestamp
  updated_at: Timestamp
}

export interface ProjectsTable {
  ref: string
  organization_id: string
  cluster_id: string
  name: string
  plan: Generated<'shared' | 'dedicated'>
  status: ProjectStatus
  status_reason: string | null
  retryable: Generated<boolean>
  region: Generated<string>
  database_name: string
  ledger: string | null
  settings: ColumnType<unknown, string | undefined, string>
  created_by: string | null
  created_at: Timestamp
  updated_at: Timestamp
}

export interface RetiredRefsTable {
  ref: string
  retired_at: Timestamp
}

export interface ProjectSecretsTable {
  ref: string
  name: string
  value: Buffer
  created_at: Timestamp
  updated_at: Timestamp
}

export interface SigningKeysTable {
  ref: string
  kid: string
  algorithm: SigningAlgorithm
  status: SigningKeyStatus
  is_imported: Generated<boolean>
  public_jwk: ColumnType<PublicJwk | null, string | null, string | null>
  private_key: Buffer | null
  created_at: Timestamp
  updated_at: Timestamp
}

export interface OperationsTable {
  id: Generated<string>
  kind: OperationKind
  ref: string
  organization_id: string | null
  account_id: string | null
  status: Generated<'queued' | 'running' | 'succeeded' | 'undoing' | 'failed'>
  steps: Json<OperationStep[]>
  input: Json<Record<string, unknown>>
  attempt: Generated<number>
  error: ColumnType<{ code: string; message: string } | null, string | null | undefined, string | null>
  created_at: Timestamp
  updated_at: Timestamp
  finished_at: Date | null
}

export interface ServerProcessesTable {
  id: Generated<string>
  lock_key: Generated<string>
  worker_id: string
  host: string
  pid: number
  started_at: Timestamp
}

export interface AuditLogTable {
  id: Generated<string>
  at: Timestamp
  account_id: string | null
  actor: string | null
  token_id: string | null
  organization_id: string | null
  ref: string | null
  action: string
  target: string | null
  details: Json<Record<string, unknown>>
  ip: string | null
  request_id: string | null
}

export interface InstallationSettingsTable {
  name: string
  value: ColumnType<unknown, string, string>
  updated_at: Timestamp
}

export interface StorageUsageTable {
  ref: string
  bucket_id: string
  bytes: ColumnType<string, number | bigint | string | undefined, number | bigint | string>
  objects: ColumnType<string, number | bigint | string | undefined, number | bigint | string>
  changed_at: Timestamp
  swept_at: Date | null
}

export interface SavedLogQueriesTable {
  id: Generated<string>
  ref: string
  name: string
  conditions: Json<unknown>
  last_minutes: number
  created_by: string | null
  created_at: Timestamp
}

/** The platform database's tables, as migrations/platform makes them; a test compares them with the server's catalogue. */
export interface PlatformTables {
  accounts: AccountsTable
  sessions: SessionsTable
  access_tokens: AccessTokensTable
  organizations: OrganizationsTable
  members: MembersTable
  invitations: InvitationsTable
  clusters: ClustersTable
  projects: ProjectsTable
  retired_refs: RetiredRefsTable
  project_secrets: ProjectSecretsTable
  signing_keys: SigningKeysTable
  operations: OperationsTable
  server_processes: ServerProcessesTable
  audit_log: AuditLogTable
  installation_settings: InstallationSettingsTable
  storage_usage: StorageUsageTable
  saved_log_queries: SavedLogQueriesTable
  functions: FunctionsTable
  function_versions: FunctionVersionsTable
  function_secrets: FunctionSecretsTable
  function_schedules: FunctionSchedulesTable
  function_schedule_runs: FunctionScheduleRunsTable
  function_invocations: FunctionInvocationsTable
  function_call_counts: FunctionCallCountsTable
}
