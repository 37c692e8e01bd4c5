import type { FunctionSecret } from '@polder/core'
import type { PlatformDatabase, SecretBox } from '@polder/db'
import { sql } from 'kysely'

/** Names of secrets are sealed with a prefix: a row moved to the project's own secrets does not open there. */
const toSealName = (name: string): string => `function:${name}`

export async function selectSecrets(db: PlatformDatabase, ref: string): Promise<FunctionSecret[]> {
  return db
    .selectFrom('function_secrets')
    .select(['name', 'digest', 'updated_at as updatedAt'])
    .where('ref', '=', ref)
    .orderBy('name')
    .execute()
}

/** The secrets in clear, for the process that runs the functions and nobody else. */
export async function selectSecretValues(db: PlatformDatabase, box: SecretBox, ref: string): Promise<Record<string, string>> {
  const rows = await db.selectFrom('function_secrets').select(['name', 'value']).where('ref', '=', ref).execute()
  return Object.fromEntries(rows.map(({ name, value }) => [name, box.open(ref, toSealName(name), value)]))
}

export async function upsertSecrets(
  tx: PlatformDatabase,
  box: SecretBox,
  ref: string,
  secrets: { name: string; value: string; digest: string }[],
): Promise<void> {
  await tx
    .insertInto('function_secrets')
    .values(secrets.map(({ name, value, digest }) => ({ ref, name, digest, value: box.seal(ref, toSealName(name), value) })))
    .onConflict((conflict) =>
      conflict.columns(['ref', 'name']).doUpdateSet((row) => ({
        value: row.ref('excluded.value'),
        digest: row.ref('excluded.digest'),
        updated_at: sql<Date>`now()`,
      })),
    )
    .execute()
}

/** Answers the names of those that were there. */
export async function deleteSecrets(tx: PlatformDatabase, ref: string, names: string[]): Promise<string[]> {
  if (names.length === 0) return []
  const rows = await tx.deleteFrom('function_secrets').where('ref', '=', ref).where('name', 'in', names).returning('name').execute()
  return rows.map(({ name }) => name)
}

export async function countSecrets(db: PlatformDatabase, ref: string): Promise<number> {
  const { count } = await db
    .selectFrom('function_secrets')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('ref', '=', ref)
    .executeTakeFirstOrThrow()
  return Number(count)
}
