import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation, OperationStep } from '@polder/core'
import { updateOperationProgress, type OperationRecord, type PlatformDatabase, type PlatformEvents } from '@polder/db'

/** Between two writes of the progress. */
const PAUSE_MS = 40

/** Thrown when a later attempt has taken an operation over, or somebody ended it: this run must stop and touch nothing more. */
export class RunLostError extends Error {
  override readonly name = 'RunLostError'
}

/**
 * What a run shows of itself. Writes are not waited for while steps run: the newest state is written when the last write is
 * done, so that watching an operation costs it no time. A crash loses nothing by it, since every step can be repeated.
 */
export class OperationProgress {
  readonly steps: OperationStep[]
  #status: Operation['status']
  #error: { code: string; message: string } | null
  #isLost = false
  #isStale = false
  #writing: Promise<void> | undefined
  readonly #ending = new AbortController()
  readonly #run: { id: string; attempt: number; ref: string }
  readonly #platform: PlatformDatabase
  readonly #events: PlatformEvents

  constructor(operation: OperationRecord, platform: PlatformDatabase, events: PlatformEvents) {
    this.steps = operation.steps.map((step) => ({ ...step }))
    this.#status = operation.status
    this.#error = operation.error
    this.#run = operation
    this.#platform = platform
    this.#events = events
  }

  get status(): Operation['status'] {
    return this.#status
  }

  mark(name: string, status: OperationStep['status']): void {
    const step = this.steps.find((one) => one.name === name)
    if (!step) return
    if (status === 'running') Object.assign(step, { startedAt: new Date(), finishedAt: null })
    else step.finishedAt = new Date()
    step.status = status
    this.#write()
  }

  /** From now on a resumed run goes on taking back, and still knows why. */
  async beginUndoing(error: { code: string; message: string }): Promise<void> {
    this.#status = 'undoing'
    this.#error = error
    this.requireOwn()
    const isOwn = await updateOperationProgress(this.#platform, this.#run, { status: 'undoing', steps: this.steps, error })
    if (!isOwn) throw new RunLostError()
    this.#write()
  }

  /** Throws a RunLostError when this run is no longer the operation's own. */
  requireOwn(): void {
    if (this.#isLost) throw new RunLostError()
  }

  /** Writes the end in one transaction with what belongs to it. */
  async end(
    status: 'succeeded' | 'failed',
    error: { code: string; message: string } | null,
    work: (tx: PlatformDatabase) => Promise<void>,
  ): Promise<void> {
    this.#ending.abort()
    await this.#writing
    this.requireOwn()
    await this.#platform.transaction().execute(async (tx) => {
      const isOwn = await updateOperationProgress(tx, this.#run, { status, steps: this.steps, error })
      if (!isOwn) throw new RunLostError()
      await work(tx)
      await this.#events.publish({ type: 'operation_changed', id: this.#run.id, ref: this.#run.ref, hasEnded: true }, tx)
    })
    this.#status = status
  }

  #write(): void {
    this.#isStale = true
    this.#writing ??= this.#writeNewest().finally(() => (this.#writing = undefined))
  }

  async #writeNewest(): Promise<void> {
    while (this.#isStale && !this.#isLost) {
      // What is over sooner is told by the end alone.
      await sleep(PAUSE_MS, undefined, { signal: this.#ending.signal }).catch(() => {})
      if (this.#ending.signal.aborted) return
      this.#isStale = false
      try {
        const isOwn = await updateOperationProgress(this.#platform, this.#run, {
          status: this.#status,
          steps: this.steps,
          error: this.#error,
        })
        if (!isOwn) this.#isLost = true
        else await this.#events.publish({ type: 'operation_changed', id: this.#run.id, ref: this.#run.ref })
      } catch {
        // Only for watching: whether the platform database can be reached is found out by the steps and the end.
        return
      }
    }
  }
}
