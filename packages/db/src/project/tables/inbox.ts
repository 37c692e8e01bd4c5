import type { Generated, GeneratedAlways } from 'kysely'

export interface InboxTables {
  'polder.inbox_messages': InboxMessagesTable
}

/** Mail and text messages that were not sent, because the project has no provider for them. */
export interface InboxMessagesTable {
  id: GeneratedAlways<string>
  channel: 'email' | 'sms'
  recipient: string
  kind: string
  subject: string
  content: string
  created_at: Generated<Date>
  read_at: Date | null
  /** Why its provider did not take it; null where there is none. */
  failure: string | null
}
