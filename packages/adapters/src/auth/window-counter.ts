/** Counts what happens to each key in windows of time; for limits that a project can change while they are counted. */
export interface WindowCounter {
  /** Counts once. Undefined where it is within the limit, otherwise the seconds until the window ends. */
  take(key: string, limit: number, seconds?: number): number | undefined
  /** Takes one back. */
  give(key: string): void
}

const MOST_KEYS = 100_000

/** Keeps one number a key, in this process; no timer runs. When there are too many keys, those that were first are forgotten. */
export function createWindowCounter(usualSeconds: number, now = () => performance.now() / 1000): WindowCounter {
  const windows = new Map<string, { count: number; since: number }>()
  return {
    take(key, limit, seconds = usualSeconds) {
      const time = now()
      let window = windows.get(key)
      if (window === undefined || window.since + seconds <= time) {
        windows.delete(key)
        if (windows.size >= MOST_KEYS) windows.delete(windows.keys().next().value!)
        window = { count: 0, since: time }
        windows.set(key, window)
      }
      if (window.count >= limit) return Math.max(1, Math.ceil(window.since + seconds - time))
      window.count += 1
      return undefined
    },
    give(key) {
      const window = windows.get(key)
      if (window !== undefined && window.count > 0) window.count -= 1
    },
  }
}
