import type { ColumnType, Generated } from 'kysely'

/** Rows of schema realtime, as migrations/project/*_realtime_*.sql makes them; a test compares them with the catalogue. */
export interface RealtimeTables {
  'realtime.messages': RealtimeMessagesTable
}

/** One message that a project sent from its database; the project's own SQL may have written it. */
export interface RealtimeMessagesTable {
  topic: string
  extension: string
  payload: ColumnType<unknown, string | null | undefined, string | null>
  event: string | null
  private: Generated<boolean | null>
  updated_at: Generated<Date | number>
  inserted_at: Generated<Date | number>
  id: Generated<string>
  binary_payload: ColumnType<Buffer | null, Buffer | null | undefined, Buffer | null>
}
