import type { ClientConfig } from 'pg'
import { makeClient } from '../connect.ts'
import { toChecksum } from '../migration-files.ts'
import { readClusterSql } from './cluster-sql.ts'

/**
 * Puts the functions that make projects' roles into a platform database, as the superuser or administrator, with whose rights they
 * run; `platform_ctl` may call them and nothing else. Does nothing where this version's stand already.
 */
export async function installProvisioning(connection: ClientConfig): Promise<void> {
  const { provisioning } = await readClusterSql()
  const marker = `polder ${toChecksum(provisioning).slice(0, 16)}`
  const client = makeClient(connection)
  await client.connect()
  try {
    // platform_ctl owns the database, and could have made a schema of that name first
    const found = await client.query<{ marker: string | null }>(
      `select obj_description(oid, 'pg_namespace') as marker from pg_namespace where nspname = 'provisioning' and nspowner = current_user::regrole`,
    )
    if (found.rows[0]?.marker === marker) return
    const statements = [
      'drop schema if exists provisioning cascade',
      provisioning,
      `comment on schema provisioning is ${client.escapeLiteral(marker)}`,
    ]
    await client.query(`begin; ${statements.join(';\n')}; commit`)
  } finally {
    await client.end()
  }
}
