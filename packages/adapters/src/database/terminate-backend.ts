import type { ProjectScope } from '@polder/db'
import { compileTerminate } from './queries.ts'

/** Ends a backend that a cancel could not: roles may end their own backends, so a second session of the owner does it. */
export async function terminateBackend(project: ProjectScope, backendPid: number): Promise<void> {
  const { sql, parameters } = compileTerminate(backendPid)
  for (let attempt = 1; ; attempt++) {
    try {
      await using session = await project.db.openOwnerSession()
      await session.client.query(sql, [...parameters])
      return
    } catch (error) {
      // All of the owner's connections may be taken just now.
      if (attempt === ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, attempt * 500))
    }
  }
}

const ATTEMPTS = 10
