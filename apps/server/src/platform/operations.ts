import { isEnded, ServiceError, type Operation } from '@polder/core'
import {
  selectOperation,
  selectOperationsOfProject,
  selectRole,
  type OperationRecord,
  type PlatformDatabase,
  type PlatformEvents,
} from '@polder/db'
import { isProjectInScope, type SignedIn } from '../access/studio-session.ts'
import { listenFor } from './listen-for.ts'

export interface OperationsDependencies {
  platform: PlatformDatabase
  events: PlatformEvents
}

export type Operations = ReturnType<typeof createOperations>

/** Watching long work: whoever is a member of the organization that it was begun for may see it, also when its project is gone. */
export function createOperations({ platform, events }: OperationsDependencies) {
  /** Throws `operation.not_found` for one that is not there, and for one that is not the account's alike. */
  async function get(account: SignedIn, id: string): Promise<Operation> {
    const found = await selectOperation(platform, id)
    if (!found?.organizationId || !isProjectInScope(account, { ref: found.ref, organizationId: found.organizationId })) {
      throw new ServiceError('operation.not_found')
    }
    if (!(await selectRole(platform, found.organizationId, account.accountId))) throw new ServiceError('operation.not_found')
    return toOperation(found)
  }

  async function* watch(account: SignedIn, id: string, signal: AbortSignal): AsyncGenerator<Operation> {
    // Listening begins before the first look, so that no change falls between.
    const news = listenFor(events, signal, (event) => event.type === 'resync' || (event.type === 'operation_changed' && event.id === id))
    let operation = await get(account, id)
    yield operation
    if (isEnded(operation)) return
    for await (const _news of news) {
      operation = await get(account, id)
      yield operation
      if (isEnded(operation)) return
    }
  }

  return {
    get,
    watch,
    async list(ref: string): Promise<Operation[]> {
      return (await selectOperationsOfProject(platform, ref)).map(toOperation)
    },
    /** The operation as soon as it has ended, or as it stands when the time is up. */
    async wait(account: SignedIn, id: string, timeoutMs: number, signal: AbortSignal): Promise<Operation> {
      const enough = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal])
      // Steps on the way are no news here.
      const news = listenFor(
        events,
        enough,
        (event) => event.type === 'resync' || (event.type === 'operation_changed' && event.id === id && event.hasEnded === true),
      )
      try {
        let operation = await get(account, id)
        while (!isEnded(operation)) {
          const { done } = await news.next()
          operation = await get(account, id)
          if (done) break
        }
        return operation
      } finally {
        await news.return?.()
      }
    },
  }
}

/** Without what only the server needs. */
export function toOperation(record: OperationRecord): Operation {
  const { id, kind, ref, status, steps, attempt, error, createdAt, finishedAt } = record
  return { id, kind, ref, status, steps, attempt, error, createdAt, finishedAt }
}
