import type { Observe } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { addCallCounts, deleteOldInvocations, insertInvocations, type CallCounts, type EndedInvocation } from './queries/invocations.ts'

/** Keeps the calls of all projects: a few rows a second together, whatever the number of calls. */
export interface InvocationLog {
  /** Counts the call, and keeps it with its particulars unless its project had as many in this second already. Says whether it is kept. */
  add(invocation: EndedInvocation): boolean
  /** Writes what waits; for whoever is about to read. */
  flush(): Promise<void>
  close(): Promise<void>
}

const FLUSH_MS = 1_000
const MAX_ROWS = 500
/** Calls of one project that are kept of each second; those that fail have as many places of their own. All are counted. */
const KEPT_PER_SECOND = 50
/** Beyond this, calls are not kept: the platform database is away, or cannot follow. */
const MAX_WAITING = 20_000
const KEPT_MS = 7 * 24 * 60 * 60 * 1000
const SWEEP_MS = 60 * 60 * 1000

export function createInvocationLog({ platform, observe }: { platform: PlatformDatabase; observe: Observe }): InvocationLog {
  let waiting: EndedInvocation[] = []
  let counts = new Map<string, CallCounts>()
  let kept = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let sweptAt = 0

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    kept = new Map()
    const counted = [...counts.values()]
    counts = new Map()
    await addCallCounts(platform, counted)
    while (waiting.length > 0) {
      const rows = waiting.slice(0, MAX_ROWS)
      waiting = waiting.slice(MAX_ROWS)
      await insertInvocations(platform, rows)
    }
    if (Date.now() - sweptAt < SWEEP_MS) return
    sweptAt = Date.now()
    await deleteOldInvocations(platform, new Date(sweptAt - KEPT_MS))
  }

  function count(ref: string, name: string, minute: number, isError: boolean): void {
    const key = `${ref} ${name} ${minute}`
    let found = counts.get(key)
    if (found === undefined) counts.set(key, (found = { ref, name, minute: new Date(minute * 60_000), calls: 0, errors: 0 }))
    found.calls += 1
    if (isError) found.errors += 1
  }

  function flush(): Promise<void> {
    writing = writing.then(write).catch((cause: unknown) => observe({ kind: 'error', code: 'system.unavailable', cause }))
    return writing
  }

  return {
    add(invocation) {
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref()
      const { ref, name, at, status } = invocation
      const isError = status >= 500
      count(ref, name, Math.floor(at.getTime() / 60_000), isError)
      const place = isError ? `${ref} error` : ref
      const places = kept.get(place) ?? 0
      if (places >= KEPT_PER_SECOND || waiting.length >= MAX_WAITING) return false
      kept.set(place, places + 1)
      waiting.push(invocation)
      return true
    },
    flush,
    close: flush,
  }
}
