import type { OwnerSession } from '@polder/db'

export interface WatchdogLimits {
  /** Wall-clock time that the work may take. */
  timeoutMs: number
  /** Time that a cancelled statement has to end by itself. */
  graceMs: number
  /** Ends a backend of the project's owner from outside its connection. */
  terminate: (backendPid: number) => Promise<void>
}

/**
 * Runs work on a session that a person's SQL is in charge of. `statement_timeout` can be set to 0 from within and a
 * cancel can be caught, so the clock is ours: cancel at the limit, terminate after the grace, and wait no longer.
 */
export async function withWatchdog<Value>(
  session: OwnerSession,
  { timeoutMs, graceMs, terminate }: WatchdogLimits,
  work: () => Promise<Value>,
): Promise<{ value: Value | undefined; isTimedOut: boolean }> {
  const timer = new AbortController()
  const running = work()
  try {
    const first = await Promise.race([running.then(toDone), after(timeoutMs, timer.signal)])
    if (first) return { value: first.value, isTimedOut: false }
    session.cancel().catch(() => undefined)
    const second = await Promise.race([running.then(toDone, () => ({ value: undefined })), after(graceMs, timer.signal)])
    if (second === undefined) {
      const { processID } = session.client as unknown as { processID?: number }
      // Not waited for: the caller has waited long enough, and the session is destroyed in any case.
      if (processID) terminate(processID).catch(() => undefined)
      running.catch(() => undefined)
    }
    return { value: undefined, isTimedOut: true }
  } finally {
    timer.abort()
  }
}

function toDone<Value>(value: Value): { value: Value } {
  return { value }
}

function after(ms: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}
