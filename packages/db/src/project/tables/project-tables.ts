import type { AuthTables } from './auth.ts'

/** The platform's tables in a project database, by qualified name. */
export type ProjectTables = AuthTables
