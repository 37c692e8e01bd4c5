import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The ledgers, named by the database that they run in. */
export type Ledger = 'platform' | 'project' | 'logs'

/** One numbered SQL file of a ledger. */
export interface Migration {
  /** Its file name, for example `0001_accounts.sql`. */
  name: string
  sql: string
  /** sha256 of the text, hex. */
  checksum: string
}

const NAME_PATTERN = /^(\d{4})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql$/

/** Path of a file below packages/db/migrations. */
export function toMigrationPath(...parts: string[]): string {
  return fileURLToPath(new URL(`../migrations/${parts.join('/')}`, import.meta.url))
}

/** Reads a ledger's files in order. Throws when a name is not of the form `0001_schema_what.sql` or a number is missing or there twice. */
export async function listMigrations(ledger: Ledger): Promise<Migration[]> {
  const names = requireSequence((await readdir(toMigrationPath(ledger))).filter((name) => name.endsWith('.sql')))
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(toMigrationPath(ledger, name), 'utf8')
      return { name, sql, checksum: toChecksum(sql) }
    }),
  )
}

/** The names in order, if they are numbered 0001, 0002 … without a gap or a twin. */
export function requireSequence(names: readonly string[]): string[] {
  const sorted = [...names].sort()
  sorted.forEach((name, index) => {
    const number = NAME_PATTERN.exec(name)?.[1]
    if (number === undefined) throw new Error(`The migration ${name} is not named like 0001_schema_what.sql.`)
    if (Number(number) !== index + 1) throw new Error(`The migration ${name} should be number ${String(index + 1).padStart(4, '0')}.`)
  })
  return sorted
}

/** sha256 of a text, hex. */
export function toChecksum(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** One checksum of many texts: changes when any of them, or their order, does. */
export function toLedgerChecksum(migrations: readonly Pick<Migration, 'name' | 'checksum'>[]): string {
  return toChecksum(migrations.map(({ name, checksum }) => `${name} ${checksum}`).join('\n')).slice(0, 16)
}
