import { ServiceError } from '@polder/core'

export interface WorkQueue {
  /** Runs the work when there is room. Throws `system.busy` at once when too many wait already. */
  run<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Lets `concurrency` pieces of work run at a time, and `waiting` more wait for their turn, first come, first served. */
export function createWorkQueue({ concurrency, waiting }: { concurrency: number; waiting: number }): WorkQueue {
  const queue: (() => void)[] = []
  let running = 0

  async function enter(): Promise<void> {
    if (running < concurrency) {
      running += 1
      return
    }
    if (queue.length >= waiting) throw new ServiceError('system.busy')
    // whoever leaves hands its place over, so that `running` stays as it is
    await new Promise<void>((resolve) => queue.push(resolve))
  }

  function leave(): void {
    const next = queue.shift()
    if (next) next()
    else running -= 1
  }

  return {
    async run(work) {
      await enter()
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
