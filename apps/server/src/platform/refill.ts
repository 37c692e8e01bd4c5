import type { Observe } from '@polder/core'
import type { Provisioner } from '@polder/db'

// Copying a database takes the disk for a while: whoever has just got a project uses it first.
const PAUSE_MS = 200

/** Fills the pool of prepared databases a moment after it was used, once at a time, and again if it was used meanwhile. */
export function createRefill(provisioner: Pick<Provisioner, 'refillWarmPool'>, observe: Observe) {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isAgain = false
  let isStopped = false

  async function fill(): Promise<void> {
    do {
      isAgain = false
      // A spare one less costs the next project some milliseconds, and nothing else.
      await provisioner.refillWarmPool().catch((cause: unknown) => observe({ kind: 'error', code: 'system.unexpected', cause }))
    } while (isAgain && !isStopped)
  }

  return {
    later(): void {
      if (isStopped || timer) return
      if (running) {
        isAgain = true
        return
      }
      timer = setTimeout(() => {
        timer = undefined
        running = fill().finally(() => (running = undefined))
      }, PAUSE_MS)
    },
    async stop(): Promise<void> {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}
