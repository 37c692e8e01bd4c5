import type { Observe } from '@polder/core'
import type { PlatformDatabase } from '@polder/db'
import { deleteOldInvocations, insertInvocations, type EndedInvocation } from './queries/invocations.ts'

/** Keeps the calls of all projects: a few rows a second together, whatever the number of calls. */
export interface InvocationLog {
  add(invocation: EndedInvocation): void
  /** Writes what waits; for whoever is about to read. */
  flush(): Promise<void>
  close(): Promise<void>
}

const FLUSH_MS = 1_000
const MAX_ROWS = 1_000
/** Beyond this, calls are not kept: the platform database is away, or cannot follow. */
const MAX_WAITING = 20_000
const KEPT_MS = 7 * 24 * 60 * 60 * 1000
const SWEEP_MS = 60 * 60 * 1000

export function createInvocationLog({ platform, observe }: { platform: PlatformDatabase; observe: Observe }): InvocationLog {
  let waiting: EndedInvocation[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let sweptAt = 0

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    while (waiting.length > 0) {
      const rows = waiting.slice(0, MAX_ROWS)
      waiting = waiting.slice(MAX_ROWS)
      await insertInvocations(platform, rows)
    }
    if (Date.now() - sweptAt < SWEEP_MS) return
    sweptAt = Date.now()
    await deleteOldInvocations(platform, new Date(sweptAt - KEPT_MS))
  }

  function flush(): Promise<void> {
    writing = writing.then(write).catch((cause: unknown) => observe({ kind: 'error', code: 'system.unavailable', cause }))
    return writing
  }

  return {
    add(invocation) {
      if (waiting.length >= MAX_WAITING) return
      waiting.push(invocation)
      timer ??= setTimeout(() => void flush(), FLUSH_MS).unref()
    },
    flush,
    close: flush,
  }
}
