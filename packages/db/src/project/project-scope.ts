import type { Caller, ProjectRef } from '@polder/core'
import type { ProjectConfiguration } from './project-configuration.ts'
import type { ProjectDatabase } from './project-database.ts'
import type { ProjectTokens } from './project-tokens.ts'
import type { ServiceSecrets } from './service-secrets.ts'

/** One open project, checked for one caller: what every adapter takes first. Never kept beyond the request. */
export interface ProjectScope {
  readonly ref: ProjectRef
  readonly caller: Caller
  readonly configuration: ProjectConfiguration
  /** Signs and verifies this project's tokens, and no other's. */
  readonly tokens: ProjectTokens
  readonly secrets: ServiceSecrets
  /** A key of this project for one purpose; no other project's is the same. */
  deriveKey(purpose: string): Buffer
  readonly db: ProjectDatabase
}
