import type { PlatformEvent, PlatformEvents } from '@polder/db'

/**
 * The events that matter, from the call on and until the signal, each kind of news at most once while nobody looks: whoever is
 * slow looks things up less often, and nothing piles up.
 */
export function listenFor(
  events: PlatformEvents,
  signal: AbortSignal,
  matters: (event: PlatformEvent) => boolean,
): AsyncIterableIterator<PlatformEvent> {
  const waiting = new Map<string, PlatformEvent>()
  let wake: (() => void) | undefined
  let isOver = signal.aborted
  const unsubscribe = events.subscribe((event) => {
    if (!matters(event)) return
    waiting.set(JSON.stringify(event), event)
    wake?.()
  })
  const stop = () => {
    isOver = true
    unsubscribe()
    signal.removeEventListener('abort', stop)
    wake?.()
  }
  if (isOver) unsubscribe()
  else signal.addEventListener('abort', stop, { once: true })

  return {
    async next() {
      while (!isOver && waiting.size === 0) await new Promise<void>((resolve) => (wake = resolve))
      wake = undefined
      if (isOver) return { done: true, value: undefined }
      const [key, event] = waiting.entries().next().value as [string, PlatformEvent]
      waiting.delete(key)
      return { done: false, value: event }
    },
    async return() {
      stop()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
