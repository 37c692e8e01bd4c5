import type { Studio } from './studio.svelte.ts'
import type { Project } from './wire.ts'

/** The subscription is opened a moment after the page, so that it does not compete with the first paint. */
const OPEN_AFTER_MS = 1_200
const RETRY_MS = [2_000, 5_000, 15_000, 30_000]

/** Keeps the projects' statuses true while the console is open. */
export class LiveProjects {
  #studio: Studio
  #subscription: { unsubscribe(): void } | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #failures = 0

  constructor(studio: Studio) {
    this.#studio = studio
  }

  start(): void {
    if (this.#subscription || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#open(), OPEN_AFTER_MS)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
  }

  #open(): void {
    this.#timer = undefined
    this.#subscription = this.#studio.client.projects.watch(
      {},
      {
        onData: (change) => {
          this.#failures = 0
          this.apply(change as Project | { ref: string; isDeleted: true })
        },
        onError: () => this.#retry(),
        onEnd: () => this.#retry(),
      },
    )
  }

  #retry(): void {
    this.stop()
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)]
    this.#timer = setTimeout(() => {
      // What changed meanwhile went unheard.
      void this.#studio.cache.invalidate('projects:list')
      this.#open()
    }, wait)
  }

  /** Puts one changed project where pages read it. */
  apply(change: Project | { ref: string; isDeleted: true }): void {
    const { cache } = this.#studio
    const list = cache.find<Project[]>('projects:list')
    const others = list?.current?.filter(({ ref }) => ref !== change.ref)
    if ('isDeleted' in change) {
      if (list && others) list.set(others)
      void cache.find<Project>(`project:${change.ref}:project`)?.refresh()
      void cache.invalidate('organizations:list')
      return
    }
    if (list && others) list.set([change, ...others].sort((left, right) => right.createdAt.localeCompare(left.createdAt)))
    const known = cache.find<Project>(`project:${change.ref}:project`)
    known?.set(change)
    void cache.invalidate(`project:${change.ref}:operations`)
  }
}
