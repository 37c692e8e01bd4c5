import type { Client, ClientConfig } from 'pg'
import { makeClient } from '../connect.ts'
import { migrate } from '../migrate.ts'
import { toChecksum } from '../migration-files.ts'
import type { ClusterSql } from './cluster-sql.ts'

/** Name of the database that new projects are copies of: another one for every state of base and ledger. */
export function toTemplateName(templateChecksum: string, ledgerChecksum: string): string {
  return `project_template_${toChecksum(`${templateChecksum} ${ledgerChecksum}`).slice(0, 16)}`
}

/**
 * Makes the template under another name, and gives it its own when it is complete.
 * `connection` is the administrator's, who is the only one ever to enter it.
 */
export async function makeTemplate(
  admin: Client,
  connection: ClientConfig,
  name: string,
  { sql, isSuperuser }: { sql: ClusterSql; isSuperuser: boolean },
): Promise<void> {
  const unfinished = `${name}_unfinished`
  await dropTemplate(admin, unfinished)
  await dropTemplate(admin, name)
  await admin.query(`create database ${admin.escapeIdentifier(unfinished)} template template0 encoding 'UTF8'`)
  await admin.query(`revoke all on database ${admin.escapeIdentifier(unfinished)} from public`)
  const client = makeClient(toDatabaseConfig(connection, unfinished))
  await client.connect()
  try {
    await client.query(`begin; ${sql.templateBase}; commit`)
    await client.query(`begin; ${sql.templateWalls}; commit`).catch(async (error: { code?: string }) => {
      await client.query('rollback')
      if (isSuperuser || error.code !== '42501') throw error
    })
    await migrate(client, { ledger: 'project', role: 'platform_internal' })
    await client.query('vacuum (freeze, analyze)')
  } finally {
    await client.end()
  }
  await admin.query(`alter database ${admin.escapeIdentifier(unfinished)} rename to ${admin.escapeIdentifier(name)}`)
  await admin.query(`alter database ${admin.escapeIdentifier(name)} with is_template true allow_connections false`)
}

/** Drops the templates of earlier states, and those that were never finished. */
export async function dropOtherTemplates(admin: Client, name: string): Promise<void> {
  const others = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname ~ '^project_template_' and datname <> $1`,
    [name],
  )
  for (const { datname } of others.rows) await dropTemplate(admin, datname)
}

async function dropTemplate(admin: Client, name: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
  if (rowCount === 0) return
  await admin.query(`alter database ${admin.escapeIdentifier(name)} with is_template false`)
  await admin.query(`drop database ${admin.escapeIdentifier(name)} with (force)`)
}

/** The same login, to another database. */
export function toDatabaseConfig(connection: ClientConfig, database: string): ClientConfig {
  if (connection.connectionString === undefined) return { ...connection, database }
  const url = new URL(connection.connectionString)
  url.pathname = `/${database}`
  return { ...connection, connectionString: url.toString() }
}
