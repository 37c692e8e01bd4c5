import { sql } from 'kysely'
import type { LogDatabase } from './log-tables.ts'

/** Any number, the same in every process: only one of them tidies up at a time. */
const LOCK_KEY = 7_305_126_414n

const DAY_MS = 86_400_000

export interface LogLimits {
  /** No line is kept for longer, whatever a project's settings say. */
  maxDays: number
  /** What the log of one project may take, and that of all together. */
  maxBytesPerProject: number
  maxBytes: number
}

/** How long each project keeps its lines. One that is not named is gone, and its log with it. */
export type RetentionDays = ReadonlyMap<string, number>

/**
 * Makes the partitions of the coming days, and removes what is too old or too much: whole days first, then what single projects
 * have beyond their own limits. Does nothing while another process does it. Answers how many bytes went.
 */
export async function maintainLogs(db: LogDatabase, limits: LogLimits, retention: RetentionDays, now = new Date()): Promise<number> {
  return await db.connection().execute(async (connection) => {
    const lock = await sql<{ isOurs: boolean }>`select pg_try_advisory_lock(${LOCK_KEY}) as "isOurs"`.execute(connection)
    if (!lock.rows[0]?.isOurs) return 0
    try {
      for (const days of [0, 1, 2]) await sql`select logs.add_day(${toDay(now, days)}::date)`.execute(connection)
      let removed = await dropOldDays(connection, limits, now)
      await deleteOrphans(connection, [...retention.keys()])
      removed += await deleteExpired(connection, limits, retention, now)
      removed += await deleteOversized(connection, limits.maxBytesPerProject)
      return removed
    } finally {
      await sql`select pg_advisory_unlock(${LOCK_KEY})`.execute(connection)
    }
  })
}

/** Removes everything that was logged of a project, when it is deleted. */
export async function deleteProjectLogs(db: LogDatabase, ref: string): Promise<void> {
  await sql`
    with gone as (delete from logs.projects where ref = ${ref} returning number)
    delete from logs.segments where project in (select number from gone)
  `.execute(db)
}

/** The numbers of projects, given to those that have none yet. */
export async function selectProjectNumbers(db: LogDatabase, refs: readonly string[]): Promise<Map<string, number>> {
  if (refs.length === 0) return new Map()
  await sql`
    insert into logs.projects (ref) select unnest(${[...refs]}::text[]) except select ref from logs.projects on conflict do nothing
  `.execute(db)
  const { rows } = await sql<{ ref: string; number: number }>`
    select ref, number from logs.projects where ref = any(${[...refs]}::text[])
  `.execute(db)
  return new Map(rows.map(({ ref, number }) => [ref, number]))
}

interface Day {
  name: string
  day: string
  bytes: string
}

async function dropOldDays(connection: LogDatabase, limits: LogLimits, now: Date): Promise<number> {
  const { rows: days } = await sql<Day>`
    select c.relname as name, replace(substr(c.relname, 10), '_', '-') as day, pg_total_relation_size(c.oid) as bytes
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'logs.segments'::regclass order by c.relname
  `.execute(connection)
  const oldest = toDay(now, -limits.maxDays)
  const today = toDay(now, 0)
  let total = days.reduce((sum, { bytes }) => sum + Number(bytes), 0)
  let removed = 0
  for (const { name, day, bytes } of days) {
    const isOver = day < today && total > limits.maxBytes
    if (day >= oldest && !isOver) continue
    await sql`drop table logs.${sql.id(name)}`.execute(connection)
    total -= Number(bytes)
    removed += Number(bytes)
  }
  return removed
}

/** What was logged of a project in the moment in which it was deleted. */
async function deleteOrphans(connection: LogDatabase, refs: readonly string[]): Promise<void> {
  const { rows } = await sql<{ ref: string }>`select ref from logs.projects where not ref = any(${[...refs]}::text[])`.execute(connection)
  for (const { ref } of rows) await deleteProjectLogs(connection, ref)
}

async function deleteExpired(connection: LogDatabase, limits: LogLimits, retention: RetentionDays, now: Date): Promise<number> {
  const shorter = [...retention].filter(([, days]) => days < limits.maxDays)
  if (shorter.length === 0) return 0
  const { rows } = await sql<{ bytes: string | null }>`
    with wanted as (
      select p.number, ${now}::timestamptz - make_interval(days => w.days) as oldest
      from unnest(${shorter.map(([ref]) => ref)}::text[], ${shorter.map(([, days]) => days)}::int[]) as w(ref, days)
      join logs.projects p using (ref)
    ), gone as (
      delete from logs.segments s using wanted w where s.project = w.number and s.to_at < w.oldest returning s.size
    )
    select sum(size) as bytes from gone
  `.execute(connection)
  return Number(rows[0]?.bytes ?? 0)
}

async function deleteOversized(connection: LogDatabase, maxBytes: number): Promise<number> {
  const { rows } = await sql<{ bytes: string | null }>`
    with totals as (
      select project from logs.segments group by project having sum(size) > ${maxBytes}
    ), marked as (
      select s.tableoid, s.ctid, s.size, sum(s.size) over (partition by s.project order by s.to_at desc, s.id desc) as newer
      from logs.segments s join totals using (project)
    ), gone as (
      delete from logs.segments s using marked m where s.tableoid = m.tableoid and s.ctid = m.ctid and m.newer > ${maxBytes} returning m.size
    )
    select sum(size) as bytes from gone
  `.execute(connection)
  return Number(rows[0]?.bytes ?? 0)
}

function toDay(now: Date, plus: number): string {
  return new Date(now.getTime() + plus * DAY_MS).toISOString().slice(0, 10)
}
