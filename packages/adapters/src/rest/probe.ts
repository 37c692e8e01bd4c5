import { isServiceError } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { createRestAdapter } from './adapter.ts'
import { bodyText } from './reply.ts'

const TABLE = 'create table if not exists public.isolation_probe (seed text primary key)'

/** Writes a row through the data API of one project, and looks for it through another's. */
export const probe = {
  async write(project: ProjectScope, seed: string): Promise<void> {
    await makeTable(project)
    const headers = { 'content-type': 'application/json', prefer: 'return=minimal' }
    const body = Buffer.from(JSON.stringify({ seed }))
    await createRestAdapter().answer(project, { method: 'POST', path: '/isolation_probe', query: '', headers, body })
  },
  async sees(project: ProjectScope, seed: string): Promise<boolean> {
    const query = `seed=eq.${encodeURIComponent(seed)}`
    try {
      const reply = await createRestAdapter().answer(project, {
        method: 'GET',
        path: '/isolation_probe',
        query,
        headers: {},
        body: null,
      })
      return bodyText(reply) !== '[]'
    } catch (error) {
      if (isServiceError(error, 'rest.relation_not_found')) return false
      throw error
    }
  },
}

async function makeTable(project: ProjectScope): Promise<void> {
  await using session = await project.db.openOwnerSession()
  await session.client.query(TABLE)
}
