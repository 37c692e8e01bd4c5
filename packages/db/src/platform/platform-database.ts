import type { Kysely } from 'kysely'
import type { PlatformTables } from './tables.ts'

/** The platform database, or one transaction on it: the first argument of every query in this folder. */
export type PlatformDatabase = Kysely<PlatformTables>
