import type { LogPage, QueryLogs, TimeRange } from '@polder/core'
import { isDatabaseError, type LogDatabase } from '@polder/db'
import { SEGMENT_MS, selectFirstTime, selectLastTime, selectLines, type LineRow, type LogPlace } from './queries.ts'
import { fromCursor, toCursor, toEntry, toPlace } from './to-entry.ts'

const FIRST_WINDOW_MS = 10_000
const GROWTH = 8

/** Larger than any segment or place: the end of a moment, or with zeros its beginning. */
const LAST_SEGMENT = '9223372036854775807'
const LAST_PLACE = 999_999_999

/**
 * Reads one page by looking at windows of time that grow, from the end that is asked for: the newest lines of a busy project are
 * found without reading all of its day, and rare ones in a few steps.
 */
export async function readPage(db: LogDatabase, ref: string, input: QueryLogs, patienceMs: number): Promise<LogPage> {
  const deadline = performance.now() + patienceMs
  const { range, conditions, order, limit } = input
  const isNewest = order === 'newest'
  const after = input.cursor === undefined ? undefined : fromCursor(input.cursor)
  const rows: LineRow[] = []
  const left = narrow(range, isNewest, after)
  let searchedTo = isNewest ? left.to : left.from
  const edge = left.from < left.to ? await (isNewest ? selectLastTime : selectFirstTime)(db, ref, left) : undefined
  if (edge === undefined) return { entries: [], next: null, searchedTo: isNewest ? range.from : range.to }

  // Another segment may begin before the one that ends first.
  let position = isNewest ? Math.min(edge.getTime() + 1, left.to.getTime()) : Math.max(edge.getTime() - SEGMENT_MS, left.from.getTime())
  for (let width = FIRST_WINDOW_MS; rows.length < limit; width *= GROWTH) {
    const window = toWindow(left, isNewest, position, width)
    if (window === undefined) return { entries: rows.map(toEntry), next: null, searchedTo: isNewest ? range.from : range.to }
    const timeLeft = deadline - performance.now()
    const found =
      timeLeft <= 0
        ? undefined
        : await selectInTime(db, { ref, range: window, conditions, order, limit: limit - rows.length, after }, timeLeft)
    if (found === undefined) {
      const next: LogPlace = isNewest
        ? { at: position - 1, segment: LAST_SEGMENT, place: LAST_PLACE }
        : { at: position, segment: '0', place: 0 }
      return { entries: rows.map(toEntry), next: toCursor(next), searchedTo }
    }
    rows.push(...found)
    position = isNewest ? window.from.getTime() : window.to.getTime()
    searchedTo = new Date(position)
  }
  const last = rows.at(-1)!
  return { entries: rows.map(toEntry), next: toCursor(toPlace(last)), searchedTo: last.at }
}

function narrow({ from, to }: TimeRange, isNewest: boolean, after: LogPlace | undefined): TimeRange {
  if (after === undefined) return { from, to }
  if (isNewest) return { from, to: new Date(Math.min(to.getTime(), after.at + 1)) }
  return { from: new Date(Math.max(from.getTime(), after.at)), to }
}

function toWindow({ from, to }: TimeRange, isNewest: boolean, position: number, width: number): TimeRange | undefined {
  const window = isNewest
    ? { from: new Date(Math.max(from.getTime(), position - width)), to: new Date(position) }
    : { from: new Date(position), to: new Date(Math.min(to.getTime(), position + width)) }
  return window.from < window.to ? window : undefined
}

/** Undefined when the time was over first. */
async function selectInTime(...[db, selection, timeoutMs]: Parameters<typeof selectLines>): Promise<LineRow[] | undefined> {
  try {
    return await selectLines(db, selection, timeoutMs)
  } catch (error) {
    if (isDatabaseError(error) && error.code === '57014') return undefined
    throw error
  }
}
