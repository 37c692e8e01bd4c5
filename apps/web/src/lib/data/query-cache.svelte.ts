import { createSubscriber } from 'svelte/reactivity'
import { toSdkError, type SdkError } from './sdk-errors.ts'

/** Data this young is shown without asking again; links that were hovered just now cost one call, not two. */
const FRESH_MS = 3_000

/** One answer of the server, kept between pages: shown at once, asked for again behind it. */
export class Query<Value> {
  current = $state.raw<Value>()
  error = $state.raw<SdkError>()
  isLoading = $state(false)
  readonly key: string
  #fetch: () => Promise<Value>
  #onError: (error: SdkError) => void
  #askedAt = -Infinity
  #running: Promise<void> | undefined
  #isObserved = false
  #subscribe = createSubscriber(() => {
    this.#isObserved = true
    // Not at once: markup is being evaluated, where nothing may be written to.
    queueMicrotask(() => void this.ask())
    return () => (this.#isObserved = false)
  })

  constructor(key: string, fetch: () => Promise<Value>, onError: (error: SdkError) => void) {
    this.key = key
    this.#fetch = fetch
    this.#onError = onError
  }

  /** The value as a page reads it: the first reader has it asked for, and while there is one a change has it asked for again. */
  get value(): Value | undefined {
    this.#subscribe()
    return this.current
  }

  get isFresh(): boolean {
    return performance.now() - this.#askedAt < FRESH_MS
  }

  get isObserved(): boolean {
    return this.#isObserved
  }

  /** Asks the server unless an answer is young. */
  async ask(): Promise<this> {
    if (!this.isFresh || this.#running) await this.refresh()
    return this
  }

  /** The next reader asks again; a reader on this page has it done now. */
  async expire(): Promise<void> {
    // What is on its way was read before the change.
    await this.#running
    this.#askedAt = -Infinity
    if (this.#isObserved) await this.refresh()
  }

  refresh(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
    return this.#running
  }

  /** Puts in what is known already, for example from a mutation's answer. */
  set(value: Value): void {
    this.current = value
    this.error = undefined
    this.#askedAt = performance.now()
  }

  async #run(): Promise<void> {
    this.isLoading = true
    this.#askedAt = performance.now()
    try {
      this.current = await this.#fetch()
      this.error = undefined
    } catch (error) {
      this.error = toSdkError(error)
      this.#onError(this.error)
    } finally {
      this.isLoading = false
    }
  }
}

/** Every answer of the server that this tab holds, by key: `<area>:<service>.<noun>:<input>`. */
export class QueryCache {
  #queries = new Map<string, Query<unknown>>()
  #onError: (error: SdkError) => void

  constructor(onError: (error: SdkError) => void) {
    this.#onError = onError
  }

  /** Finds or makes the query; asks nothing yet. */
  query<Value>(key: string, fetch: () => Promise<Value>): Query<Value> {
    const known = this.#queries.get(key) as Query<Value> | undefined
    const query = known ?? new Query(key, fetch, this.#onError)
    if (!known) this.#queries.set(key, query as Query<unknown>)
    return query
  }

  /** The value under the key if it was asked for before; asks nothing. */
  find<Value>(key: string): Query<Value> | undefined {
    return this.#queries.get(key) as Query<Value> | undefined
  }

  /** After a change: every answer whose key starts so is asked for again, those on this page at once. */
  async invalidate(...prefixes: string[]): Promise<void> {
    const touched = [...this.#queries.values()].filter(({ key }) => prefixes.some((prefix) => key.startsWith(prefix)))
    await Promise.all(touched.map((query) => query.expire()))
  }

  /** Asks again for everything on this page, for example when the tab is looked at again. */
  async refreshObserved(): Promise<void> {
    await Promise.all([...this.#queries.values()].filter((query) => query.isObserved).map((query) => query.ask()))
  }

  /** Forgets answers, for example of another account or a deleted project. */
  forget(prefix = ''): void {
    for (const key of this.#queries.keys()) if (key.startsWith(prefix)) this.#queries.delete(key)
  }
}
