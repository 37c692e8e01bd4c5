import { LOG_LEVELS, type LogHistogram, type LogHistogramQuery, type TimeRange } from '@polder/core'
import { isDatabaseError, type LogDatabase } from '@polder/db'
import { selectBars, type BarRow } from './queries.ts'

/** Widths that people can read off an axis. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800].map(
  (seconds) => seconds * 1000,
)

/** Parts of a range that are counted one after the other, so that what was counted in time is shown. */
const PARTS = 8

/** How many lines there are in each step of the range, by level; the newest part is counted first. */
export async function countBars(db: LogDatabase, ref: string, input: LogHistogramQuery, patienceMs: number): Promise<LogHistogram> {
  const deadline = performance.now() + patienceMs
  const { range, conditions, bars } = input
  const stepMs = toStep(range, bars)
  const counted: BarRow[][] = []
  let isPartial = false
  for (const part of toParts(range, stepMs)) {
    const found = await countInTime(db, { ref, range: part, conditions }, stepMs, deadline - performance.now())
    if (found === undefined) {
      isPartial = true
      break
    }
    counted.unshift(found)
  }
  return { stepMs, isPartial, bars: toBars(counted.flat(), stepMs) }
}

/** The narrowest of the readable widths that needs no more bars than asked for. */
export function toStep({ from, to }: TimeRange, bars: number): number {
  const width = (to.getTime() - from.getTime()) / bars
  return STEPS_MS.find((step) => step >= width) ?? Math.ceil(width / 86_400_000) * 86_400_000
}

/** From the newest to the oldest, cut between two bars. */
function toParts({ from, to }: TimeRange, stepMs: number): TimeRange[] {
  const width = Math.max(stepMs, Math.ceil((to.getTime() - from.getTime()) / PARTS / stepMs) * stepMs)
  const parts: TimeRange[] = []
  for (let end = to.getTime(); end > from.getTime();) {
    const start = Math.max(from.getTime(), Math.floor((end - width) / stepMs) * stepMs)
    parts.push({ from: new Date(start), to: new Date(end) })
    end = start
  }
  return parts
}

async function countInTime(...[db, selection, stepMs, timeoutMs]: Parameters<typeof selectBars>): Promise<BarRow[] | undefined> {
  if (timeoutMs <= 0) return undefined
  try {
    return await selectBars(db, selection, stepMs, timeoutMs)
  } catch (error) {
    if (isDatabaseError(error) && error.code === '57014') return undefined
    throw error
  }
}

function toBars(rows: readonly BarRow[], stepMs: number): LogHistogram['bars'] {
  const bars = new Map<string, LogHistogram['bars'][number]>()
  for (const { bar, level, count } of rows) {
    const found = bars.get(bar) ?? { at: new Date(Number(bar) * stepMs), debug: 0, info: 0, warn: 0, error: 0 }
    found[LOG_LEVELS[level] ?? 'info'] += Number(count)
    bars.set(bar, found)
  }
  return [...bars.values()]
}
