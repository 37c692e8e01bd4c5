import type { ProjectRef, ProjectStatus } from '@polder/core'
import type { AuthSettings, RestSettings } from './project-settings.ts'

/** What every service needs to know of a project, without its secrets; cached, and dropped when any process changes it. */
export interface ProjectConfiguration {
  readonly ref: ProjectRef
  readonly name: string
  readonly organizationId: string
  readonly status: ProjectStatus
  readonly databaseName: string
  /** Base URL of the project for apps, without a trailing slash: `<public url>/projects/<ref>`. */
  readonly url: string
  readonly auth: AuthSettings
  readonly rest: RestSettings
}
