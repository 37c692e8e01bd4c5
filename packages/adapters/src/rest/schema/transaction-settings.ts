import type { RoleSettingRow } from '../queries/catalog-version.ts'
import type { TransactionSettings } from './schema.ts'

const ISOLATION = 'default_transaction_isolation'
const PREFIX = 'pgrst.'

/** Reads lines of `name=value` as Postgres keeps them. */
export function toTransactionSettings(lines: readonly string[]): TransactionSettings {
  const pairs = new Map(lines.map(splitSetting))
  const isolation = pairs.get(ISOLATION)?.toLowerCase()
  pairs.delete(ISOLATION)
  return { isolation: isolation === 'repeatable read' || isolation === 'serializable' ? isolation : undefined, settings: [...pairs] }
}

/** What each role has. */
export function toRoleSettings(rows: readonly RoleSettingRow[]): Map<string, TransactionSettings> {
  const byRole = Map.groupBy(
    rows.filter(({ role }) => role !== 'authenticator'),
    ({ role }) => role,
  )
  return new Map([...byRole].map(([role, each]) => [role, toTransactionSettings(each.map(({ setting }) => setting))]))
}

/** The `pgrst.…` settings of `authenticator`, without the prefix. */
export function toDatabaseSettings(rows: readonly RoleSettingRow[]): Map<string, string> {
  const pairs = rows
    .filter(({ role, setting }) => role === 'authenticator' && setting.startsWith(PREFIX))
    .map(({ setting }) => splitSetting(setting))
  return new Map(pairs.map(([name, value]) => [name.slice(PREFIX.length), value]))
}

function splitSetting(line: string): [string, string] {
  const separator = line.indexOf('=')
  return [line.slice(0, separator), line.slice(separator + 1)]
}
