import { isAtLeast, type MemberRole } from '@polder/core'

const ROLES: { value: MemberRole; label: string; explanation: string }[] = [
  { value: 'owner', label: 'Owner', explanation: 'Everything, also transfer and deletion of the organization.' },
  { value: 'administrator', label: 'Administrator', explanation: 'Members, projects and settings.' },
  { value: 'developer', label: 'Developer', explanation: 'Runs SQL, manages users and sees secret keys of projects.' },
  { value: 'viewer', label: 'Viewer', explanation: 'Looks at everything, changes nothing.' },
]

/** The roles that somebody of this role may give: none above their own. */
export function toRoleOptions(own: MemberRole) {
  return ROLES.filter(({ value }) => isAtLeast(own, value))
}

/** What a role may do, in a sentence. */
export function toRoleExplanation(role: MemberRole): string {
  return ROLES.find(({ value }) => value === role)?.explanation ?? ''
}
