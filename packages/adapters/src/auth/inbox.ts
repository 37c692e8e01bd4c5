import { ServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { deleteInboxMessages, readInboxMessage, selectInboxMessages } from './queries/inbox.ts'
import { requireMember } from './require-user.ts'

/** A mail or text message that was not sent, as a list shows it. */
export interface InboxEntry {
  id: string
  channel: 'email' | 'sms'
  recipient: string
  kind: string
  subject: string
  /** Why its provider did not take it; null where the project has none. */
  failure: string | null
  createdAt: Date
  readAt: Date | null
}

export interface InboxMessage extends InboxEntry {
  content: string
}

/** The newest messages of a project's inbox. For members alone: the links in them sign in whoever opens them. */
export async function listInboxMessages(
  project: ProjectScope,
  { search = '', before, limit = 50 }: { search?: string; before?: string; limit?: number },
): Promise<InboxEntry[]> {
  requireMember(project)
  if (search.includes('\0') || !search.isWellFormed()) return []
  return project.db.asOwner((tx) => selectInboxMessages(tx, { search, limit, ...(before !== undefined && { before }) }))
}

/** One message, which counts as read from then on. Throws `auth.inbox_message_not_found`. */
export async function getInboxMessage(project: ProjectScope, id: string): Promise<InboxMessage> {
  requireMember(project)
  const message = await project.db.asOwner((tx) => readInboxMessage(tx, id))
  if (!message) throw new ServiceError('auth.inbox_message_not_found')
  return message
}

/** Deletes one message, or all. Throws `auth.inbox_message_not_found` where there is no such one. */
export async function clearInbox(project: ProjectScope, id?: string): Promise<void> {
  requireMember(project)
  const count = await project.db.asOwner((tx) => deleteInboxMessages(tx, id))
  if (id !== undefined && count === 0) throw new ServiceError('auth.inbox_message_not_found')
}
