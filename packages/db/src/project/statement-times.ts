const MAX_TEXTS = 1_000
const QUICK_MS = 10
/** How much of the average the newest time makes. */
const WEIGHT = 0.2

/** How long a project's statements have taken lately, by their text: whether others may wait behind one. */
export class StatementTimes {
  readonly #averages = new Map<string, number>()

  /** Whether the statement is known, and known to be quick. */
  isQuick(text: string): boolean {
    const average = this.#averages.get(text)
    return average !== undefined && average < QUICK_MS
  }

  note(text: string, ms: number): void {
    const average = this.#averages.get(text)
    if (average === undefined && this.#averages.size >= MAX_TEXTS) this.#averages.clear()
    this.#averages.set(text, average === undefined ? ms : average + WEIGHT * (ms - average))
  }
}
