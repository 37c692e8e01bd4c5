import type { IsolationLevel } from './project-database.ts'

/** Gives every setting back what the session began with. */
export const RESET = 'reset all'

/** Who asks what, for one transaction; releases what an earlier one may have locked for the session. */
export const SETTINGS = `select pg_catalog.pg_advisory_unlock_all(), pg_catalog.set_config('role', $1, true), pg_catalog.set_config('request.jwt.claims', $2, true),
pg_catalog.set_config('request.method', $3, true), pg_catalog.set_config('request.path', $4, true),
pg_catalog.set_config('request.headers', $5, true), pg_catalog.set_config('request.cookies', $6, true),
pg_catalog.set_config('search_path', $7, true), pg_catalog.set_config('transaction_read_only', $8, true)`

/** The same, with a time zone. */
export const SETTINGS_AND_ZONE = `${SETTINGS}, pg_catalog.set_config('TimeZone', $9, true)`

/** To be sent before anything that looks at data. */
export const ISOLATION: Record<IsolationLevel, string> = {
  'repeatable read': 'set transaction isolation level repeatable read',
  serializable: 'set transaction isolation level serializable',
}

/** Sets any settings, by name. */
export function settingsText(count: number): string {
  const calls = Array.from({ length: count }, (_, index) => `pg_catalog.set_config($${2 * index + 1}, $${2 * index + 2}, true)`)
  return `select ${calls.join(', ')}`
}
