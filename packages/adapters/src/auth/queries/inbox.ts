import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

/** How many messages a project keeps; the oldest make place. */
const MOST_MESSAGES = 500

export interface NewInboxMessage {
  channel: 'email' | 'sms'
  recipient: string
  kind: string
  subject: string
  content: string
  failure: string | null
}

/** Puts a message into the project's inbox. */
export async function insertInboxMessage(tx: Tx, message: NewInboxMessage): Promise<void> {
  await tx.insertInto('polder.inbox_messages').values(message).execute()
  await sql`
    delete from polder.inbox_messages
    where id <= (select id from polder.inbox_messages order by id desc offset ${MOST_MESSAGES} limit 1)`.execute(tx)
}

export interface InboxSelection {
  /** Part of the recipient or subject. */
  search: string
  /** Id of the last message seen. */
  before?: string
  limit: number
}

/** Messages without their content, newest first. */
export function selectInboxMessages(tx: Tx, { search, before, limit }: InboxSelection) {
  let query = tx
    .selectFrom('polder.inbox_messages')
    .select(['id', 'channel', 'recipient', 'kind', 'subject', 'failure', 'created_at as createdAt', 'read_at as readAt'])
    .orderBy('id', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('id', '<', before)
  if (search !== '') {
    const part = `%${search.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`
    query = query.where(sql<boolean>`(recipient ilike ${part} or subject ilike ${part})`)
  }
  return query.execute()
}

/** One message, which counts as read from now on. */
export async function readInboxMessage(tx: Tx, id: string) {
  return tx
    .updateTable('polder.inbox_messages')
    .set({ read_at: sql<Date>`coalesce(read_at, pg_catalog.now())` })
    .where('id', '=', id)
    .returning(['id', 'channel', 'recipient', 'kind', 'subject', 'content', 'failure', 'created_at as createdAt', 'read_at as readAt'])
    .executeTakeFirst()
}

/** Deletes one message, or all; answers how many. */
export async function deleteInboxMessages(tx: Tx, id?: string): Promise<number> {
  let query = tx.deleteFrom('polder.inbox_messages')
  if (id !== undefined) query = query.where('id', '=', id)
  return Number((await query.executeTakeFirst()).numDeletedRows)
}
