import type { EdgeFunction, FunctionVersion } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { sql } from 'kysely'

/** What a version's row says of it. */
export interface NewVersion {
  entrypoint: string
  importMap: string | null
  digest: string
  sourceBytes: number
  bundleBytes: number
  bundleMs: number
  bootMs: number
  message: string | null
  deployedBy: string | null
}

const COLUMNS = [
  'functions.id',
  'functions.name',
  'functions.version',
  'functions.verify_jwt as verifyJwt',
  'function_versions.entrypoint',
  'function_versions.import_map as importMap',
  'function_versions.digest',
  'functions.created_at as createdAt',
  'functions.updated_at as updatedAt',
] as const

function selectFrom(db: PlatformDatabase) {
  return db
    .selectFrom('functions')
    .innerJoin('function_versions', (join) =>
      join.onRef('function_versions.function_id', '=', 'functions.id').onRef('function_versions.version', '=', 'functions.version'),
    )
    .select(COLUMNS)
}

/** A project's functions by name. */
export async function selectFunctions(db: PlatformDatabase, ref: string): Promise<EdgeFunction[]> {
  return selectFrom(db).where('functions.ref', '=', ref).orderBy('functions.name').execute()
}

export async function selectFunction(db: PlatformDatabase, ref: string, name: string): Promise<EdgeFunction | undefined> {
  return selectFrom(db).where('functions.ref', '=', ref).where('functions.name', '=', name).executeTakeFirst()
}

/** Whether any project of the installation has a function. */
export async function hasFunctions(db: PlatformDatabase): Promise<boolean> {
  return (await db.selectFrom('functions').select('id').limit(1).executeTakeFirst()) !== undefined
}

export async function countFunctions(db: PlatformDatabase, ref: string): Promise<number> {
  const { count } = await db
    .selectFrom('functions')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('ref', '=', ref)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** The number that the function's next version gets; 1 for a function that is not there. Numbers of deleted versions are not given again. */
export async function selectNextVersion(
  db: PlatformDatabase,
  ref: string,
  name: string,
): Promise<{ id: string | undefined; version: number }> {
  const row = await db
    .selectFrom('functions')
    .innerJoin('function_versions', 'function_versions.function_id', 'functions.id')
    .select(({ fn }) => ['functions.id', fn.max('function_versions.version').as('last')])
    .where('functions.ref', '=', ref)
    .where('functions.name', '=', name)
    .groupBy('functions.id')
    .executeTakeFirst()
  return { id: row?.id, version: (row?.last ?? 0) + 1 }
}

/** The one statement that makes a new version serve; until it is committed the old one does. */
export async function upsertServingVersion(
  tx: PlatformDatabase,
  target: { id: string; ref: string; name: string; verifyJwt: boolean; version: number },
  made: NewVersion,
): Promise<void> {
  const { id, ref, name, verifyJwt, version } = target
  await tx
    .insertInto('functions')
    .values({ id, ref, name, verify_jwt: verifyJwt, version })
    .onConflict((conflict) =>
      conflict.columns(['ref', 'name']).doUpdateSet({ verify_jwt: verifyJwt, version, updated_at: sql<Date>`now()` }),
    )
    .execute()
  await tx
    .insertInto('function_versions')
    .values({
      function_id: id,
      version,
      entrypoint: made.entrypoint,
      import_map: made.importMap,
      digest: made.digest,
      source_bytes: made.sourceBytes,
      bundle_bytes: made.bundleBytes,
      bundle_ms: made.bundleMs,
      boot_ms: made.bootMs,
      message: made.message,
      deployed_by: made.deployedBy,
    })
    .execute()
}

/** Lets another of its versions serve; false when the function or the version is not there. */
export async function updateServingVersion(tx: PlatformDatabase, ref: string, name: string, version: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('functions')
    .set({ version, updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .where('name', '=', name)
    .where(({ exists, selectFrom: from }) =>
      exists(
        from('function_versions')
          .select('version')
          .whereRef('function_versions.function_id', '=', 'functions.id')
          .where('function_versions.version', '=', version),
      ),
    )
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function updateVerifyJwt(tx: PlatformDatabase, ref: string, name: string, verifyJwt: boolean): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('functions')
    .set({ verify_jwt: verifyJwt, updated_at: sql<Date>`now()` })
    .where('ref', '=', ref)
    .where('name', '=', name)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Answers the id of the function that was there. */
export async function deleteFunction(tx: PlatformDatabase, ref: string, name: string): Promise<string | undefined> {
  const row = await tx.deleteFrom('functions').where('ref', '=', ref).where('name', '=', name).returning('id').executeTakeFirst()
  return row?.id
}

/** A function's versions, the newest first. */
export async function selectVersions(db: PlatformDatabase, ref: string, name: string): Promise<FunctionVersion[]> {
  const rows = await db
    .selectFrom('functions')
    .innerJoin('function_versions', 'function_versions.function_id', 'functions.id')
    .select([
      'function_versions.version',
      'functions.version as serving',
      'function_versions.digest',
      'function_versions.source_bytes as sourceBytes',
      'function_versions.bundle_bytes as bundleBytes',
      'function_versions.entrypoint',
      'function_versions.bundle_ms as bundleMs',
      'function_versions.boot_ms as bootMs',
      'function_versions.message',
      'function_versions.deployed_by as deployedBy',
      'function_versions.created_at as createdAt',
    ])
    .where('functions.ref', '=', ref)
    .where('functions.name', '=', name)
    .orderBy('function_versions.version', 'desc')
    .execute()
  return rows.map(({ serving, ...row }) => ({ ...row, isServing: row.version === serving }))
}

/** Forgets all but the newest versions, and never the one that serves; answers which are gone. */
export async function deleteOldVersions(tx: PlatformDatabase, id: string, keep: number): Promise<number[]> {
  const rows = await tx
    .deleteFrom('function_versions')
    .where('function_id', '=', id)
    .where('version', 'not in', (from) =>
      from.selectFrom('function_versions').select('version').where('function_id', '=', id).orderBy('version', 'desc').limit(keep),
    )
    .where('version', 'not in', (from) => from.selectFrom('functions').select('functions.version').where('functions.id', '=', id))
    .returning('version')
    .execute()
  return rows.map(({ version }) => version)
}
