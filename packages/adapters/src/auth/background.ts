import { setImmediate } from 'node:timers/promises'
import { isServiceError, ServiceError, type Observe, type ProjectRef } from '@polder/core'

/** Work that an answer does not wait for, so that its time tells nothing of what was done. */
export interface Background {
  /** Begins the work; what goes wrong is reported and not thrown. Throws `system.busy` when too much is under way. */
  run(ref: ProjectRef, work: () => Promise<void>): void
  /** Waits until everything that was begun has ended. */
  settle(): Promise<void>
}

const MOST = 1_000

/** What people may bring about as often as they like, and nobody of us needs to hear of. */
const EXPECTED = new Set(['rate_limited', 'invalid_input', 'forbidden'])

/** Keeps at most that many pieces of work under way in this process. */
export function createBackground(observe: Observe, most = MOST): Background {
  const running = new Set<Promise<void>>()
  return {
    run(ref, work) {
      if (running.size >= most) throw new ServiceError('system.busy')
      // the answer goes first
      const ended = setImmediate()
        .then(work)
        .catch((error: unknown) => {
          const code = isServiceError(error) ? error.code : 'system.unexpected'
          if (!isServiceError(error) || !EXPECTED.has(error.kind)) observe({ kind: 'error', ref, code, cause: error })
        })
      running.add(ended)
      void ended.then(() => running.delete(ended))
    },
    async settle() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
