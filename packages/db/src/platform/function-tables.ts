import type { ColumnType, Generated } from 'kysely'

type Timestamp = ColumnType<Date, Date | undefined, Date>

export interface FunctionsTable {
  id: Generated<string>
  ref: string
  name: string
  verify_jwt: boolean
  version: number
  created_at: Timestamp
  updated_at: Timestamp
}

export interface FunctionVersionsTable {
  function_id: string
  version: number
  entrypoint: string
  import_map: string | null
  digest: string
  source_bytes: number
  bundle_bytes: number
  bundle_ms: number
  boot_ms: number
  message: string | null
  deployed_by: string | null
  created_at: Timestamp
}

export interface FunctionSecretsTable {
  ref: string
  name: string
  value: Buffer
  digest: string
  updated_at: Timestamp
}

export interface FunctionSchedulesTable {
  id: Generated<string>
  ref: string
  title: string
  name: string
  cron: string
  time_zone: string
  method: string
  path: string
  body: string | null
  missed_runs: 'skip' | 'once'
  is_enabled: boolean
  next_at: Date | null
  created_at: Timestamp
}

export interface FunctionScheduleRunsTable {
  id: Generated<string>
  schedule_id: string
  due_at: Date
  at: Timestamp
  status: number
  duration_ms: number
  request_id: string
  missed: number
  error: string | null
}

export interface FunctionInvocationsTable {
  id: Generated<string>
  ref: string
  at: Date
  name: string
  version: number
  request_id: string
  method: string
  path: string
  status: number
  duration_ms: number
  cpu_ms: number | null
  memory_mb: number | null
  is_cold_start: boolean
  error: string | null
}

export interface FunctionCallCountsTable {
  ref: string
  name: string
  minute: Date
  calls: number
  errors: number
}
