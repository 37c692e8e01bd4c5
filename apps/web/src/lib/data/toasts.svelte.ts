import { isUnexpected, toSdkError } from './sdk-errors.ts'

export interface Toast {
  id: number
  kind: 'done' | 'failed'
  text: string
  /** Finds the request in the server's log. */
  requestId?: string
}

/** Short messages at the edge of the page. */
export class Toasts {
  list = $state.raw<Toast[]>([])
  #next = 1

  done(text: string): void {
    this.#add({ kind: 'done', text }, 4_000)
  }

  failed(thrown: unknown): void {
    const error = toSdkError(thrown)
    const text = error.hint ? `${error.message} ${error.hint}` : error.message
    this.#add({ kind: 'failed', text, requestId: isUnexpected(error) ? error.requestId : undefined }, 12_000)
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }

  #add(toast: Omit<Toast, 'id'>, ms: number): void {
    const id = this.#next++
    this.list = [...this.list.slice(-3), { ...toast, id }]
    setTimeout(() => this.dismiss(id), ms)
  }
}
