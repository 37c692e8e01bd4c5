import type { FunctionLogLine } from '@polder/core'

/** The last lines of each project's functions, for whoever looks on. */
export interface FunctionLogs {
  add(ref: string, line: Omit<FunctionLogLine, 'seq' | 'at'>): FunctionLogLine
  /** The last lines, the oldest first. */
  list(ref: string, filter: { name?: string | undefined; after?: number | undefined; limit: number }): FunctionLogLine[]
  /** Lines from now on, until the signal; whoever is slow misses some. */
  watch(ref: string, signal: AbortSignal): AsyncIterableIterator<FunctionLogLine>
  forget(ref: string): void
}

const MAX_LINES = 500
const MAX_BYTES = 512 * 1024
const MAX_PROJECTS = 200
const MAX_WAITING = 1_000

interface Ring {
  lines: FunctionLogLine[]
  bytes: number
}

export function createFunctionLogs(): FunctionLogs {
  const rings = new Map<string, Ring>()
  const watchers = new Map<string, Set<(line: FunctionLogLine) => void>>()
  let seq = 0

  function ringOf(ref: string): Ring {
    const ring = rings.get(ref) ?? { lines: [], bytes: 0 }
    // The projects that wrote last are at the end, so the first is the one to forget.
    rings.delete(ref)
    rings.set(ref, ring)
    if (rings.size > MAX_PROJECTS) rings.delete(rings.keys().next().value as string)
    return ring
  }

  return {
    add(ref, given) {
      const line = { ...given, seq: (seq += 1), at: new Date() }
      const ring = ringOf(ref)
      ring.lines.push(line)
      ring.bytes += line.message.length
      while (ring.lines.length > MAX_LINES || (ring.bytes > MAX_BYTES && ring.lines.length > 1))
        ring.bytes -= ring.lines.shift()?.message.length ?? 0
      for (const tell of watchers.get(ref) ?? []) tell(line)
      return line
    },
    list(ref, { name, after = 0, limit }) {
      const lines = rings.get(ref)?.lines ?? []
      return lines.filter((line) => line.seq > after && (name === undefined || line.name === name)).slice(-limit)
    },
    watch(ref, signal) {
      const waiting: FunctionLogLine[] = []
      let wake: (() => void) | undefined
      const hear = (line: FunctionLogLine) => {
        if (waiting.length < MAX_WAITING) waiting.push(line)
        wake?.()
      }
      const own = watchers.get(ref) ?? new Set()
      watchers.set(ref, own.add(hear))
      const stop = () => {
        own.delete(hear)
        if (own.size === 0 && watchers.get(ref) === own) watchers.delete(ref)
        wake?.()
      }
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
      return {
        async next() {
          while (waiting.length === 0 && !signal.aborted && own.has(hear)) await new Promise<void>((resolve) => (wake = resolve))
          const line = waiting.shift()
          return line === undefined ? { done: true, value: undefined } : { done: false, value: line }
        },
        async return() {
          stop()
          return { done: true, value: undefined }
        },
        [Symbol.asyncIterator]() {
          return this
        },
      }
    },
    forget: (ref) => void rings.delete(ref),
  }
}
