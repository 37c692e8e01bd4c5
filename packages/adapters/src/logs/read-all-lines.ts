import type { LogConditions, LogEntry, TimeRange } from '@polder/core'
import type { LogDatabase } from '@polder/db'
import { selectSegmentKeys, selectSegmentLines, type SegmentKey } from './queries.ts'
import { toEntry } from './to-entry.ts'

const KEYS = 500
const LINES = 5_000

/** Every line of the range in the order in which they came in, some thousands at a time. */
export async function* readAllLines(
  db: LogDatabase,
  ref: string,
  selection: { range: TimeRange; conditions: LogConditions },
): AsyncGenerator<LogEntry[]> {
  const wanted = { ref, ...selection }
  for (let last: SegmentKey | undefined; ;) {
    const keys = await selectSegmentKeys(db, wanted, last, KEYS)
    if (keys.length === 0) return
    for (const part of toParts(keys)) {
      const rows = await selectSegmentLines(db, wanted, part)
      if (rows.length > 0) yield rows.map(toEntry)
    }
    last = keys.at(-1)
  }
}

function* toParts(keys: readonly SegmentKey[]): Generator<SegmentKey[]> {
  let part: SegmentKey[] = []
  let count = 0
  for (const key of keys) {
    part.push(key)
    count += key.lines
    if (count < LINES) continue
    yield part
    part = []
    count = 0
  }
  if (part.length > 0) yield part
}
