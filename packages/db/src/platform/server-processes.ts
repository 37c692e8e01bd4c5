import { sql } from 'kysely'
import type { ClientBase } from 'pg'
import type { PlatformDatabase } from './platform-database.ts'

/** First half of the advisory lock that a living server process holds; the second is `lock_key` of its row. */
const LOCK_CLASS = 0x706f6c64

/**
 * Writes a process down under the id that its jobs are locked by, and takes its lock in the client's session: both in one
 * statement, so that nobody ever sees the row with a free lock. Repeated on a new connection, it takes the lock again.
 */
export async function holdServerProcess(client: ClientBase, server: { workerId: string; host: string; pid: number }): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `with process as (
       insert into public.server_processes (worker_id, host, pid) values ($1, $2, $3)
       on conflict (worker_id) do update set pid = excluded.pid
       returning id, lock_key
     )
     select id, pg_advisory_lock($4, lock_key::int) from process`,
    [server.workerId, server.host, server.pid, LOCK_CLASS],
  )
  return rows[0]?.id ?? ''
}

/** Takes the row of a process away: it ended, and left nothing behind. */
export async function deleteServerProcess(tx: PlatformDatabase, workerId: string): Promise<void> {
  await tx.deleteFrom('server_processes').where('worker_id', '=', workerId).execute()
}

/**
 * Finds processes whose lock is free, which is to say that died, gives their jobs back to whoever takes them first, and removes
 * their rows. Returns how many there were. One statement, so that two processes may do it at once.
 */
export async function releaseDeadProcesses(tx: PlatformDatabase): Promise<number> {
  const { rows } = await sql`
    with dead as (
      delete from server_processes
      where pg_try_advisory_xact_lock(${LOCK_CLASS}::int, lock_key::int)
      returning worker_id
    ), released as materialized (
      select graphile_worker.force_unlock_workers(array_agg(worker_id)) from dead
    )
    select worker_id from dead, released
  `.execute(tx)
  // The same news as that of a new job: whoever has nothing to do looks now.
  if (rows.length > 0) await sql`select pg_notify('jobs:insert', '{"count":20}')`.execute(tx)
  return rows.length
}
