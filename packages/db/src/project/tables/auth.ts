import type { Generated } from 'kysely'

/** Rows of schema auth, as migrations/project/*_auth_*.sql makes them. */
export interface AuthTables {
  'auth.users': { id: Generated<string>; email: string | null }
}
