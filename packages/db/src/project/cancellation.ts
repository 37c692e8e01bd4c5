/** Lets whoever asked for a statement take it back, while it waits for a connection or runs. */
export class Cancellation {
  #isCancelled = false
  #act: (() => void) | undefined

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#act?.()
  }

  /** What a cancellation does from now on, in place of what it did before. */
  set act(act: (() => void) | undefined) {
    this.#act = act
  }
}
