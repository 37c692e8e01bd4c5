import type { ClusterWall } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** A cluster as its row has it; the version is `server_version_num` as text. */
export interface ClusterRecord {
  id: string
  name: string
  kind: 'embedded' | 'external'
  region: string
  serverVersion: string | null
  walls: ClusterWall[]
  acceptsProjects: boolean
  projectCount: number
}

const COLUMNS = [
  'clusters.id',
  'clusters.name',
  'clusters.kind',
  'clusters.region',
  'clusters.server_version as serverVersion',
  'clusters.walls',
  'clusters.accepts_projects as acceptsProjects',
] as const

/** Every cluster with the number of its projects, by name. */
export async function selectClusters(tx: PlatformDatabase): Promise<ClusterRecord[]> {
  const rows = await tx
    .selectFrom('clusters')
    .select(COLUMNS)
    .select((select) =>
      select
        .selectFrom('projects')
        .select(select.fn.countAll<string>().as('n'))
        .whereRef('cluster_id', '=', 'clusters.id')
        .as('projectCount'),
    )
    .orderBy('clusters.name')
    .execute()
  return rows.map((row) => ({ ...row, projectCount: Number(row.projectCount ?? 0) }))
}

/** The cluster that a new project goes to: the one asked for, or the one with the fewest projects in the region, if given. */
export async function selectClusterForProject(
  tx: PlatformDatabase,
  wanted: { clusterId?: string; region?: string },
): Promise<{ id: string; region: string } | undefined> {
  let query = tx.selectFrom('clusters').select(['id', 'region']).where('accepts_projects', '=', true)
  if (wanted.clusterId !== undefined) query = query.where('id', '=', wanted.clusterId)
  return query
    .orderBy(sql`(select count(*) from projects where cluster_id = clusters.id)`)
    .orderBy('name')
    .limit(1)
    .executeTakeFirst()
}

/** Writes down the cluster that this installation runs on, as it is found at every start. Returns its id. */
export async function upsertCluster(
  tx: PlatformDatabase,
  cluster: { name: string; kind: 'embedded' | 'external'; serverVersion: string; walls: readonly ClusterWall[] },
): Promise<string> {
  const facts = { server_version: cluster.serverVersion, walls: JSON.stringify(cluster.walls), updated_at: sql<Date>`now()` }
  const row = await tx
    .insertInto('clusters')
    .values({ name: cluster.name, kind: cluster.kind, ...facts })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ kind: cluster.kind, ...facts }))
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}
