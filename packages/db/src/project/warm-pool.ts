import { randomBytes } from 'node:crypto'
import { DatabaseError, escapeIdentifier, type Pool, type PoolClient } from 'pg'
import { makeClient } from '../connect.ts'

/** Any number, the same in every process: only one of them fills the pool at a time. */
const LOCK_KEY = 7_305_126_412n

/** Copies of the template that wait for a project: taking one is a rename. */
export interface WarmPool {
  /** Gives a copy the name; false when there is none left. */
  take(name: string): Promise<boolean>
  /** Makes copies until the pool is full, and drops those of older templates. Calls while it runs join it. */
  refill(): Promise<void>
}

/** `template` is the current template's name; `size` how many copies are kept. */
export function createWarmPool(control: Pool, template: string, size: number): WarmPool {
  const prefix = `project_spare_${template.slice('project_template_'.length)}_`
  let refilling: Promise<void> | undefined
  return {
    // without a pool of its own, it leaves that of others alone
    take: async (name) => size > 0 && (await take(control, prefix, name)),
    refill: () => (refilling ??= refill(control, template, prefix, size).finally(() => (refilling = undefined))),
  }
}

async function take(control: Pool, prefix: string, name: string): Promise<boolean> {
  for (;;) {
    // a random one: many takers at once rarely meet
    const { rows } = await control.query<{ datname: string }>(
      `select datname from pg_database where starts_with(datname, $1) and datconnlimit <> -2 order by random() limit 1`,
      [prefix],
    )
    const spare = rows[0]?.datname
    if (spare === undefined) return false
    try {
      await control.query(`alter database ${escapeIdentifier(spare)} rename to ${escapeIdentifier(name)}`)
      return true
    } catch (error) {
      if (!wasTakenByAnother(error)) throw error
    }
  }
}

function wasTakenByAnother(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '3D000' || error.code === '55006' || error.code === 'XX000')
}

async function refill(control: Pool, template: string, prefix: string, size: number): Promise<void> {
  const client = await control.connect()
  try {
    const lock = await client.query<{ isOurs: boolean }>('select pg_try_advisory_lock($1) as "isOurs"', [LOCK_KEY])
    if (!lock.rows[0]?.isOurs) return
    try {
      await dropStale(client, prefix)
      while ((await count(client, prefix)) < size) await addCopy(control, client, template, prefix)
    } finally {
      await client.query('select pg_advisory_unlock($1)', [LOCK_KEY])
    }
  } finally {
    client.release()
  }
}

async function count(client: PoolClient, prefix: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>('select count(*)::int as count from pg_database where starts_with(datname, $1)', [
    prefix,
  ])
  return rows[0]?.count ?? 0
}

async function addCopy(control: Pool, client: PoolClient, template: string, prefix: string): Promise<void> {
  const id = randomBytes(6).toString('hex')
  // under a name that nobody takes until it is closed to the public; one left by a crash is stale, and dropped with them
  const name = `project_spare_new_${id}`
  const draft = escapeIdentifier(name)
  await client.query(`create database ${draft} template ${escapeIdentifier(template)} strategy wal_log allow_connections false`)
  await client.query(`revoke all on database ${draft} from public`)
  await client.query(`alter database ${draft} with allow_connections true`)
  await warmUp(control, name)
  await client.query(`alter database ${draft} with allow_connections false`)
  await client.query(`alter database ${draft} rename to ${escapeIdentifier(prefix + id)}`)
}

/**
 * Connects to the copy once: the first session of a database writes the file from which all later ones take the catalogue. A
 * project's first sessions start together, and would each read it table by table.
 */
async function warmUp(control: Pool, database: string): Promise<void> {
  const { password } = control.options
  const client = makeClient({ ...control.options, password, database, options: undefined })
  try {
    await client.connect()
  } catch (error) {
    // a server may keep platform_ctl out: then the project's first sessions take longer, and that is all
    if (!(error instanceof DatabaseError)) throw error
  } finally {
    await client.end().catch(() => {})
  }
}

async function dropStale(client: PoolClient, prefix: string): Promise<void> {
  const { rows } = await client.query<{ datname: string }>(
    `select datname from pg_database where starts_with(datname, 'project_spare_') and (not starts_with(datname, $1) or datconnlimit = -2)`,
    [prefix],
  )
  for (const { datname } of rows) await client.query(`drop database if exists ${escapeIdentifier(datname)} with (force)`)
}
