import type { ProjectRef, ProjectSettings, ProjectStatus } from '@polder/core'

/** What every service needs to know of a project, without its secrets; cached, and dropped when any process changes it. */
export interface ProjectConfiguration extends Readonly<ProjectSettings> {
  readonly ref: ProjectRef
  readonly name: string
  readonly organizationId: string
  readonly status: ProjectStatus
  readonly databaseName: string
  /** Base URL of the project for apps, without a trailing slash: `<public url>/projects/<ref>`. */
  readonly url: string
}
