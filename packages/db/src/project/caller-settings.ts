import type { CallerIdentity } from './batch.ts'
import type { CallerStatement, IsolationLevel } from './project-database.ts'

/** Gives every setting back what the session began with. */
export const RESET = 'reset all'

const SETTINGS = `select pg_catalog.pg_advisory_unlock_all(), pg_catalog.set_config('role', $1, true), pg_catalog.set_config('request.jwt.claims', $2, true),
pg_catalog.set_config('request.method', $3, true), pg_catalog.set_config('request.path', $4, true),
pg_catalog.set_config('request.headers', $5, true), pg_catalog.set_config('request.cookies', $6, true),
pg_catalog.set_config('search_path', $7, true), pg_catalog.set_config('transaction_read_only', $8, true)`

const SETTINGS_AND_ZONE = `${SETTINGS}, pg_catalog.set_config('TimeZone', $9, true)`

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

/** Says who asks what, for one transaction; releases what an earlier one may have locked for the session. */
export function toSettingsText({ timeZone }: CallerStatement): string {
  return timeZone === undefined ? SETTINGS : SETTINGS_AND_ZONE
}

/** The values of that statement. */
export function toSettingsValues({ request, isReadOnly, timeZone }: CallerStatement, identity: CallerIdentity, path: string): string[] {
  const { role, claimsJson } = identity
  const values = [role, claimsJson, request.method, request.path, request.headers, request.cookies, path, isReadOnly ? 'on' : 'off']
  if (timeZone !== undefined) values.push(timeZone)
  return values
}
