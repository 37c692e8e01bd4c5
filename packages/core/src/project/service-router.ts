import type { AccessRequest, ProjectAccess } from './access.ts'
import type { ProjectRef } from './project-ref.ts'

/**
 * The one door to projects: checks who asks, and opens the project for them.
 * `Scope` is the open project that adapters take (`ProjectScope` of packages/db).
 */
export interface ServiceRouter<Scope> {
  /**
   * Checks a caller against a project. Throws `project.not_found` for a project that is not there and for one that is
   * not the caller's alike; `access.*` where the credentials themselves are wrong; `project.not_active` while it cannot be used.
   */
  validateProjectAccess(ref: string, request: AccessRequest): Promise<ProjectAccess>
  /** Opens the project for the caller that was checked. Takes no connection until the scope is used. */
  getConnection(access: ProjectAccess): Promise<Scope>
  /** Makes a project known, or its new configuration, in this and every other server process. */
  registerProject(ref: ProjectRef): Promise<void>
  /** Forgets a project here and in every other server process, and closes its connections. */
  unregisterProject(ref: ProjectRef): Promise<void>
}
