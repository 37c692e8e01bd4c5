import { LOG_LEVELS, LOG_SERVICES, type FieldCondition, type LogConditions, type TimeRange } from '@polder/core'
import type { LogDatabase } from '@polder/db'
import { sql, type RawBuilder } from 'kysely'

/** A segment's lines are at most this far apart: how much later than a range the last of its segments can end. */
export const SEGMENT_MS = 10_000

/** A place in a project's log: time, segment, and place in the segment. */
export interface LogPlace {
  at: number
  segment: string
  place: number
}

export interface LineRow {
  at: Date
  segment: string
  place: string
  level: number
  service: number
  request_id: string | null
  user_id: string | null
  ip: string | null
  method: string | null
  path: string | null
  status: number | null
  duration_ms: number | null
  bytes: number | null
  message: string | null
  fields: string | null
}

export interface LineSelection {
  ref: string
  range: TimeRange
  conditions: LogConditions
  order: 'newest' | 'oldest'
  limit: number
  /** Lines after this one, in the order asked for. */
  after?: LogPlace
}

const LINES = sql`unnest(s.at, s.level, s.service, s.request_id, s.user_id, s.ip, s.method, s.path, s.status, s.duration_ms, s.bytes, s.message, s.fields)
  with ordinality as l(at, level, service, request_id, user_id, ip, method, path, status, duration_ms, bytes, message, fields, place)`

const COLUMNS = sql`l.at, s.id as segment, l.place, l.level, l.service, l.request_id, l.user_id, l.ip, l.method, l.path, l.status, l.duration_ms,
  l.bytes, l.message, l.fields`

/** Lines of one project, in order. */
export async function selectLines(db: LogDatabase, selection: LineSelection, timeoutMs: number): Promise<LineRow[]> {
  const { order, after, limit } = selection
  const isNewest = order === 'newest'
  const place = after && sql`(${new Date(after.at)}::timestamptz, ${after.segment}::bigint, ${after.place}::bigint)`
  const further = place ? (isNewest ? sql`(l.at, s.id, l.place) < ${place}` : sql`(l.at, s.id, l.place) > ${place}`) : sql`true`
  const sorting = isNewest ? sql`l.at desc, s.id desc, l.place desc` : sql`l.at, s.id, l.place`
  return within(db, timeoutMs, async (tx) => {
    const { rows } = await sql<LineRow>`
      select ${COLUMNS} from logs.segments s, ${LINES}
      where ${ofSegments(selection)} and ${ofLines(selection)} and ${further}
      order by ${sorting} limit ${limit}
    `.execute(tx)
    return rows
  })
}

/** When the newest line before the end of the range was, roughly: that of its segment. */
export async function selectLastTime(db: LogDatabase, ref: string, range: TimeRange): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select max(s.to_at) as at from logs.segments s
    where s.project = ${ofProject(ref)} and s.to_at >= ${range.from} and s.to_at < ${later(range.to)}
  `.execute(db)
  return rows[0]?.at ?? undefined
}

/** When the first line after the beginning of the range was, roughly. */
export async function selectFirstTime(db: LogDatabase, ref: string, range: TimeRange): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date | null }>`
    select s.from_at as at from logs.segments s
    where s.project = ${ofProject(ref)} and s.to_at >= ${range.from} and s.to_at < ${later(range.to)} order by s.to_at limit 1
  `.execute(db)
  return rows[0]?.at ?? undefined
}

export interface BarRow {
  bar: string
  level: number
  count: string
}

/** How many lines of each level there are in each step of time; `bar` counts steps from 1970. */
export async function selectBars(
  db: LogDatabase,
  selection: Pick<LineSelection, 'ref' | 'range' | 'conditions'>,
  stepMs: number,
  timeoutMs: number,
): Promise<BarRow[]> {
  return within(db, timeoutMs, async (tx) => {
    const { rows } = await sql<BarRow>`
      select floor(extract(epoch from l.at) * 1000 / ${stepMs}::float8)::bigint as bar, l.level, count(*) as count
      from logs.segments s, ${LINES}
      where ${ofSegments(selection)} and ${ofLines(selection)} group by 1, 2 order by 1
    `.execute(tx)
    return rows
  })
}

export interface SegmentKey {
  id: string
  to_at: Date
  lines: number
}

/** The next segments of a project in the order in which they end. */
export async function selectSegmentKeys(
  db: LogDatabase,
  selection: Pick<LineSelection, 'ref' | 'range' | 'conditions'>,
  after: SegmentKey | undefined,
  limit: number,
): Promise<SegmentKey[]> {
  const further = after ? sql`(s.to_at, s.id) > (${after.to_at}, ${after.id}::bigint) and s.to_at >= ${after.to_at}` : sql`true`
  const { rows } = await sql<SegmentKey>`
    select s.id, s.to_at, s.lines from logs.segments s where ${ofSegments(selection)} and ${further} order by s.to_at, s.id limit ${limit}
  `.execute(db)
  return rows
}

/** The lines of these segments, as they follow each other. */
export async function selectSegmentLines(
  db: LogDatabase,
  selection: Pick<LineSelection, 'ref' | 'range' | 'conditions'>,
  segments: readonly SegmentKey[],
): Promise<LineRow[]> {
  const ids = segments.map(({ id }) => id)
  const [first, last] = [segments[0]!, segments.at(-1)!]
  const { rows } = await sql<LineRow>`
    select ${COLUMNS} from logs.segments s, ${LINES}
    where s.project = ${ofProject(selection.ref)} and s.to_at between ${first.to_at} and ${last.to_at} and s.id = any(${ids}::bigint[])
      and ${ofLines(selection)}
    order by s.to_at, s.id, l.place
  `.execute(db)
  return rows
}

/** Segments that came in a moment ago: what a live view has not shown yet is among them. */
export async function selectRecentKeys(db: LogDatabase, ref: string, since: Date): Promise<SegmentKey[]> {
  const { rows } = await sql<SegmentKey>`
    select s.id, s.to_at, s.lines from logs.segments s where s.project = ${ofProject(ref)} and s.to_at >= ${since} order by s.to_at, s.id
  `.execute(db)
  return rows
}

function ofProject(ref: string): RawBuilder<number> {
  return sql<number>`(select p.number from logs.projects p where p.ref = ${ref})`
}

function later(time: Date): Date {
  return new Date(time.getTime() + SEGMENT_MS)
}

/** Which segments can hold such lines: the day's partition, the project's entries in its index, and the bits beside them. */
function ofSegments({ ref, range, conditions }: Pick<LineSelection, 'ref' | 'range' | 'conditions'>): RawBuilder<unknown> {
  const parts = [
    sql`s.project = ${ofProject(ref)} and s.to_at >= ${range.from} and s.to_at < ${later(range.to)} and s.from_at < ${range.to}`,
  ]
  if (conditions.levels) parts.push(sql`s.levels & ${toBits(conditions.levels, LOG_LEVELS)} <> 0`)
  if (conditions.services) parts.push(sql`s.services & ${toBits(conditions.services, LOG_SERVICES)} <> 0`)
  return sql.join(parts, sql` and `)
}

function ofLines({ range, conditions }: Pick<LineSelection, 'range' | 'conditions'>): RawBuilder<unknown> {
  const { levels, services, methods, status, minDurationMs, requestId, userId, ip, path, search, fields } = conditions
  const parts = [sql`l.at >= ${range.from} and l.at < ${range.to}`]
  if (levels) parts.push(sql`l.level = any(${levels.map((level) => LOG_LEVELS.indexOf(level))}::int[])`)
  if (services) parts.push(sql`l.service = any(${services.map((service) => LOG_SERVICES.indexOf(service))}::int[])`)
  if (methods) parts.push(sql`l.method = any(${methods}::text[])`)
  if (status) parts.push(sql`l.status between ${status.from} and ${status.to}`)
  if (minDurationMs !== undefined) parts.push(sql`l.duration_ms >= ${minDurationMs}::float8`)
  if (requestId !== undefined) parts.push(sql`l.request_id = ${requestId}`)
  if (userId !== undefined) parts.push(sql`l.user_id = ${userId}`)
  if (ip !== undefined) parts.push(sql`l.ip = ${ip}`)
  if (path !== undefined) parts.push(sql`l.path ilike ${toPattern(path)}`)
  if (search !== undefined) {
    const pattern = toPattern(search)
    parts.push(sql`(l.message ilike ${pattern} or l.path ilike ${pattern} or l.fields ilike ${pattern} or l.request_id = ${search})`)
  }
  for (const field of fields ?? []) parts.push(ofField(field))
  return sql.join(parts, sql` and `)
}

const NUMBER = '^-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?$'
const COMPARISONS = { '>': sql`>`, '>=': sql`>=`, '<': sql`<`, '<=': sql`<=` } as const

function ofField({ path, operator, value }: FieldCondition): RawBuilder<unknown> {
  const found = sql`(l.fields::jsonb #>> ${path}::text[])`
  if (operator === 'exists') return sql`${found} is not null`
  if (operator === 'contains') return sql`${found} ilike ${toPattern(value)}`
  if (operator === '=') return sql`${found} = ${value}`
  if (operator === '!=') return sql`${found} is distinct from ${value}`
  const sign = COMPARISONS[operator]
  if (!new RegExp(NUMBER).test(value)) return sql`${found} ${sign} ${value}`
  return sql`case when ${found} ~ ${NUMBER} then ${found}::numeric ${sign} ${value}::numeric else false end`
}

function toBits(values: readonly string[], all: readonly string[]): number {
  return values.reduce((bits, value) => bits | (1 << all.indexOf(value)), 0)
}

/** Any text that contains this one: its own wildcards are letters. */
function toPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}

async function within<Result>(db: LogDatabase, timeoutMs: number, work: (tx: LogDatabase) => Promise<Result>): Promise<Result> {
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('statement_timeout', ${String(Math.max(1, Math.round(timeoutMs)))}, true)`.execute(tx)
    return work(tx)
  })
}
