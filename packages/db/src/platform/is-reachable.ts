import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

/** Whether the platform database answers, within the time. Never rejects. */
export async function isReachable(db: PlatformDatabase, withinMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), withinMs)
  const answer = sql`select 1`.execute(db).then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
