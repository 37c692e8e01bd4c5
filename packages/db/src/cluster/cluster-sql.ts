import { readFile } from 'node:fs/promises'
import { toChecksum, toMigrationPath } from '../migration-files.ts'

/** The scripts of migrations/cluster, which bring any cluster to the same state, however often they run. */
export interface ClusterSql {
  roles: string
  /** One statement each: a server that is not ours may refuse some of them. */
  controlRights: string[]
  /** For every platform database. */
  provisioning: string
  templateBase: string
  templateWalls: string
  /** Changes when the ground of project databases does. */
  templateChecksum: string
}

export async function readClusterSql(): Promise<ClusterSql> {
  const [roles, controlRights, provisioning, templateBase, templateWalls] = await Promise.all(
    ['roles', 'control-rights', 'provisioning', 'template-base', 'template-walls'].map((name) =>
      readFile(toMigrationPath('cluster', `${name}.sql`), 'utf8'),
    ),
  )
  if (!roles || !controlRights || !provisioning || !templateBase || !templateWalls)
    throw new Error('A script of migrations/cluster is empty.')
  return {
    roles,
    controlRights: splitStatements(controlRights),
    provisioning,
    templateBase,
    templateWalls,
    templateChecksum: toChecksum(`${templateBase}\n${templateWalls}`).slice(0, 16),
  }
}

/** Good for scripts of ours that hold no semicolon but those at the ends of statements. */
function splitStatements(script: string): string[] {
  return script
    .replace(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}
