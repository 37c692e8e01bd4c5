import { createHash } from 'node:crypto'
import type { ProjectScope } from '@polder/db'
import { createAuthAdapter } from './adapter.ts'

/** For the isolation law: leaves a user who is made from the seed in a project, and says whether a project has that user. */
export const probe = {
  async write(project: ProjectScope, seed: string): Promise<void> {
    await createAuthAdapter().createUser(project, { email: toEmail(seed), userMetadata: { full_name: toName(seed) } })
  },
  async sees(project: ProjectScope, seed: string): Promise<boolean> {
    const auth = createAuthAdapter()
    const byEmail = await auth.listUsers(project, { page: 1, perPage: 1, search: toEmail(seed) })
    const byName = await auth.listUsers(project, { page: 1, perPage: 1, search: toName(seed) })
    return byEmail.total + byName.total > 0
  },
}

function toEmail(seed: string): string {
  return `${createHash('sha256').update(`address of ${seed}`).digest('hex')}@example.com`
}

function toName(seed: string): string {
  return createHash('sha256').update(`name of ${seed}`).digest('base64url')
}
