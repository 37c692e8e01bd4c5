import { isProjectRef, ServiceError } from '@polder/core'

/** The four logins of a project. */
export const PROJECT_LOGINS = ['owner', 'authenticator', 'platform', 'backup'] as const

export type ProjectLogin = (typeof PROJECT_LOGINS)[number]

/** Name of a project's database, and of the group role that lets its logins in. */
export function toDatabaseName(ref: string): string {
  return `project_${requireProjectRef(ref)}`
}

/** Name of one of the project's logins. */
export function toLoginName(ref: string, login: ProjectLogin): string {
  return `project_${requireProjectRef(ref)}_${login}`
}

/** Throws `request.invalid` for text that can name no project: here names become SQL, so this is checked at the last moment too. */
export function requireProjectRef(ref: string): string {
  // the group of a project `owner` would be the group of all owners
  if (!isProjectRef(ref) || ref === 'owner') throw new ServiceError('request.invalid', { message: 'This cannot be the ref of a project.' })
  return ref
}
