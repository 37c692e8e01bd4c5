import type { Generated, Kysely } from 'kysely'

export interface LogProjectsTable {
  number: Generated<number>
  ref: string
  created_at: Generated<Date>
}

export interface LogSegmentsTable {
  id: Generated<string>
  project: number
  from_at: Date
  to_at: Date
  lines: number
  size: number
  levels: number
  services: number
  at: Date[]
  level: number[]
  service: number[]
  request_id: (string | null)[] | null
  user_id: (string | null)[] | null
  ip: (string | null)[] | null
  method: (string | null)[] | null
  path: (string | null)[] | null
  status: (number | null)[] | null
  duration_ms: (number | null)[] | null
  bytes: (number | null)[] | null
  message: (string | null)[] | null
  fields: (string | null)[] | null
}

/** The log database's tables, as migrations/logs makes them; a test compares them with the server's catalogue. */
export interface LogTables {
  'logs.projects': LogProjectsTable
  'logs.segments': LogSegmentsTable
}

export type LogDatabase = Kysely<LogTables>
