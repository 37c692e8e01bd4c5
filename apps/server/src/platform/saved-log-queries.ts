import { ServiceError, type SavedLogQuery, type SaveLogQuery } from '@polder/core'
import { countSavedLogQueries, deleteSavedLogQuery, selectSavedLogQueries, upsertSavedLogQuery, type PlatformDatabase } from '@polder/db'
import type { Actor } from './actor.ts'

const MAX_PER_PROJECT = 100

/** Searches through a project's log that its people keep under a name. Who may is checked before, by the procedure. */
export function createSavedLogQueries({ platform }: { platform: PlatformDatabase }) {
  return {
    list: (ref: string): Promise<SavedLogQuery[]> => selectSavedLogQueries(platform, ref),

    /** Keeps a query, in place of one of the same name. Throws `logs.limit_reached`. */
    async save(actor: Actor, ref: string, query: SaveLogQuery): Promise<SavedLogQuery> {
      return platform.transaction().execute(async (tx) => {
        const saved = await upsertSavedLogQuery(tx, ref, actor.accountId, query)
        if ((await countSavedLogQueries(tx, ref)) > MAX_PER_PROJECT) throw new ServiceError('logs.limit_reached')
        return saved
      })
    },

    async delete(ref: string, id: string): Promise<void> {
      if (!(await deleteSavedLogQuery(platform, ref, id))) throw new ServiceError('logs.query_not_found')
    },
  }
}
