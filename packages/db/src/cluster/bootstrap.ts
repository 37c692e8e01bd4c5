import type { ClusterWall } from '@polder/core'
import type { Client, ClientConfig } from 'pg'
import { makeClient } from '../connect.ts'
import { listMigrations, toChecksum, toLedgerChecksum } from '../migration-files.ts'
import { readClusterSql } from './cluster-sql.ts'
import { inspectWalls } from './cluster-walls.ts'
import { installProvisioning } from './provisioning.ts'
import { isVerifierOf, RANDOM_PASSWORD_ITERATIONS, toScramVerifier } from './scram.ts'
import { dropOtherTemplates, makeTemplate, toDatabaseConfig, toTemplateName } from './template.ts'

export interface BootstrapOptions {
  /** Of `platform_ctl`; a changed one is taken over. */
  controlPassword: string
  /** Of `platform_repl`, which reads the changes of projects from the WAL; without one it cannot log in. */
  replicationPassword?: string
  /** Whether pg_hba.conf is ours, so that Postgres itself keeps logins out of databases that are not theirs. */
  writesHba: boolean
}

/** Any number, the same in every process: only one of them prepares a cluster at a time. */
const LOCK_KEY = 7_305_126_410n

/**
 * Prepares a cluster for projects, as its superuser or administrator: the role model, the databases `platform`, with the
 * functions that make projects' roles, and `project_template_…`. Safe to repeat, and cheap when nothing has changed. Answers which walls the cluster has.
 */
export async function bootstrapCluster(
  superuser: ClientConfig,
  options: BootstrapOptions,
): Promise<{ walls: ClusterWall[]; version: number }> {
  const client = makeClient(superuser)
  await client.connect()
  try {
    const sql = await readClusterSql()
    const template = toTemplateName(sql.templateChecksum, toLedgerChecksum(await listMigrations('project')))
    const marker = `polder ${toChecksum(JSON.stringify(sql)).slice(0, 16)}`
    if (!(await isPrepared(client, template, marker, options))) {
      await client.query('select pg_advisory_lock($1)', [LOCK_KEY])
      try {
        // another process may have done it while we waited
        if (!(await isPrepared(client, template, marker, options))) await prepare(client, superuser, template, marker, options)
      } finally {
        await client.query('select pg_advisory_unlock($1)', [LOCK_KEY])
      }
    }
    return await inspectWalls(client, options.writesHba)
  } finally {
    await client.end()
  }
}

interface Prepared {
  isSuperuser: boolean
  marker: string | null
  hasPlatform: boolean
  hasTemplate: boolean
}

async function isPrepared(client: Client, template: string, marker: string, options: BootstrapOptions): Promise<boolean> {
  const found = await look(client, template)
  if (found.marker !== marker || !found.hasPlatform || !found.hasTemplate) return false
  for (const [role, password] of passwordsOf(options)) {
    if (!(await hasPassword(client, found.isSuperuser, role, password))) return false
  }
  return true
}

function passwordsOf({ controlPassword, replicationPassword }: BootstrapOptions): [role: string, password: string][] {
  const passwords: [string, string][] = [['platform_ctl', controlPassword]]
  if (replicationPassword !== undefined) passwords.push(['platform_repl', replicationPassword])
  return passwords
}

async function look(client: Client, template: string): Promise<Prepared> {
  const { rows } = await client.query<Prepared>(
    `select (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser",
       (select shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'platform_ctl') as marker,
       exists (select from pg_database where datname = 'platform') as "hasPlatform",
       exists (select from pg_database where datname = $1 and datistemplate and not datallowconn) as "hasTemplate"`,
    [template],
  )
  if (!rows[0]) throw new Error('The server does not answer.')
  return rows[0]
}

async function hasPassword(client: Client, isSuperuser: boolean, role: string, password: string): Promise<boolean> {
  // only a superuser may look; for others it costs less to set it again than to try it out
  if (!isSuperuser) return false
  const { rows } = await client.query<{ verifier: string | null }>('select rolpassword as verifier from pg_authid where rolname = $1', [
    role,
  ])
  return isVerifierOf(rows[0]?.verifier ?? null, password)
}

async function prepare(
  client: Client,
  superuser: ClientConfig,
  template: string,
  marker: string,
  options: BootstrapOptions,
): Promise<void> {
  const sql = await readClusterSql()
  const { isSuperuser } = await look(client, template)
  await client.query(`set log_min_error_statement = 'panic'`).catch(ignoreRefusal)
  await client.query(sql.roles)
  for (const statement of sql.controlRights) await client.query(statement).catch(isSuperuser ? rethrow : ignoreRefusal)
  for (const database of ['postgres', 'template1']) {
    await client.query(`revoke all on database ${database} from public`).catch(isSuperuser ? rethrow : ignoreRefusal)
  }
  for (const [role, password] of passwordsOf(options)) {
    if (await hasPassword(client, isSuperuser, role, password)) continue
    const verifier = await toScramVerifier(password, RANDOM_PASSWORD_ITERATIONS)
    await client.query(`alter role ${client.escapeIdentifier(role)} password ${client.escapeLiteral(verifier)}`)
  }
  if (!isSuperuser) await client.query('grant platform_ctl, platform_internal, project_owner to current_user with inherit true, set true')
  const { hasPlatform, hasTemplate } = await look(client, template)
  if (!hasPlatform) {
    await client.query(`create database platform owner platform_ctl template template0 encoding 'UTF8'`)
    await client.query('revoke all on database platform from public')
  }
  await installProvisioning(toDatabaseConfig(superuser, 'platform'))
  if (!hasTemplate) await makeTemplate(client, superuser, template, { sql, isSuperuser })
  await dropOtherTemplates(client, template)
  await client.query(`comment on role platform_ctl is ${client.escapeLiteral(marker)}`)
}

function rethrow(error: unknown): never {
  throw error
}

function ignoreRefusal(error: { code?: string }): void {
  if (error.code !== '42501') throw error
}
