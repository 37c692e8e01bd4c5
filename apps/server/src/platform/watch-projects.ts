import { ServiceError, type Project } from '@polder/core'
import { selectProjectOfAccount, type PlatformDatabase, type PlatformEvents } from '@polder/db'
import { isProjectInScope, type SignedIn } from '../access/studio-session.ts'
import { listenFor } from './listen-for.ts'
import type { Projects } from './projects.ts'

/** A project that changed, or one that is gone for this account: deleted, or given away. */
export type ProjectNews = Project | { ref: string; isDeleted: true }

/**
 * News of the projects that the account sees, as long as the signal allows. Every piece is checked against the account's
 * memberships when it is sent. Ends with `system.unavailable` when what the account may do has changed: the client comes back,
 * and is checked anew.
 */
export async function* watchProjects(
  parts: { platform: PlatformDatabase; events: PlatformEvents; projects: Pick<Projects, 'list'> },
  account: SignedIn,
  organizationId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ProjectNews> {
  const news = listenFor(
    parts.events,
    signal,
    (event) => event.type !== 'operation_changed' && (event.type !== 'access_changed' || event.accountId === account.accountId),
  )
  const seen = new Set<string>((await parts.projects.list(account, organizationId)).map(({ ref }) => ref))
  for await (const event of news) {
    if (event.type === 'access_changed') throw new ServiceError('system.unavailable', { message: 'What you may do has changed.' })
    if (event.type === 'resync') {
      const projects = await parts.projects.list(account, organizationId)
      const now = new Set<string>(projects.map(({ ref }) => ref))
      for (const ref of seen) if (!now.has(ref)) yield leave(ref)
      for (const project of projects) yield enter(project)
      continue
    }
    if (event.type === 'operation_changed') continue
    const found = await selectProjectOfAccount(parts.platform, event.ref, account.accountId)
    const isShown =
      found && isProjectInScope(account, found.project) && (!organizationId || found.project.organizationId === organizationId)
    if (isShown) yield enter(found.project)
    else if (seen.has(event.ref)) yield leave(event.ref)
  }

  function enter(project: Project): Project {
    seen.add(project.ref)
    return project
  }

  function leave(ref: string): { ref: string; isDeleted: true } {
    seen.delete(ref)
    return { ref, isDeleted: true }
  }
}
