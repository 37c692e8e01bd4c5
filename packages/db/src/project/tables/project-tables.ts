import type { AuthTables } from './auth.ts'
import type { InboxTables } from './inbox.ts'
import type { RealtimeTables } from './realtime.ts'
import type { StorageTables } from './storage.ts'

/** The platform's tables in a project database, by qualified name. */
export type ProjectTables = AuthTables & InboxTables & RealtimeTables & StorageTables
