import { setTimeout as sleep } from 'node:timers/promises'
import type { LogConditions, LogEntry } from '@polder/core'
import { isConnectionLost, type LogDatabase } from '@polder/db'
import { selectRecentKeys, selectSegmentLines, type SegmentKey } from './queries.ts'
import { toEntry } from './to-entry.ts'

/** How late a segment may come in and still be seen. */
const MEMORY_MS = 30_000
/** Lines of one look; of a flood only the last are shown. */
const MAX_LINES = 1_000

/**
 * Looks again and again for segments that were not there before. Several processes write at the same time, so the order in which
 * segments come in says nothing: what was seen is remembered for a while instead.
 */
export async function* followLines(
  db: LogDatabase,
  ref: string,
  conditions: LogConditions,
  pollMs: number,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  const start = new Date()
  const seen = new Map<string, number>()
  for (const { id, to_at } of await recentKeys(db, ref)) if (to_at < start) seen.set(id, start.getTime())
  while (!signal.aborted) {
    const fresh = (await recentKeys(db, ref)).filter(({ id }) => !seen.has(id))
    const now = Date.now()
    for (const { id } of fresh) seen.set(id, now)
    for (const [id, at] of seen) if (now - at > MEMORY_MS * 2) seen.delete(id)
    if (fresh.length > 0) {
      const range = { from: start, to: new Date(now + 60_000) }
      const rows = await selectSegmentLines(db, { ref, range, conditions }, takeLast(fresh))
      if (rows.length > 0) yield rows.slice(-MAX_LINES).map(toEntry)
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

/** A moment without the database is a moment without news. */
async function recentKeys(db: LogDatabase, ref: string): Promise<SegmentKey[]> {
  try {
    return await selectRecentKeys(db, ref, new Date(Date.now() - MEMORY_MS))
  } catch (error) {
    if (isConnectionLost(error)) return []
    throw error
  }
}

function takeLast(keys: SegmentKey[]): SegmentKey[] {
  let count = 0
  const first = keys.findLastIndex(({ lines }) => (count += lines) >= MAX_LINES * 4)
  return keys.slice(Math.max(0, first))
}
