import type { MemberRole } from './role.ts'

// Apart from the schemas: the dashboard's first page takes the table, and not the schema library.

const OWNER: readonly MemberRole[] = ['owner']
const ADMINISTRATORS: readonly MemberRole[] = ['owner', 'administrator']
const DEVELOPERS: readonly MemberRole[] = ['owner', 'administrator', 'developer']
const EVERYONE: readonly MemberRole[] = ['owner', 'administrator', 'developer', 'viewer']

/** The one permission table: action × roles. A test compares it with every procedure. */
export const PERMISSIONS = {
  'organization.read': EVERYONE,
  'organization.update': ADMINISTRATORS,
  'organization.delete': OWNER,
  'member.read': EVERYONE,
  'member.invite': ADMINISTRATORS,
  'member.update': ADMINISTRATORS,
  'member.remove': ADMINISTRATORS,
  'member.leave': EVERYONE,
  'audit.read': ADMINISTRATORS,
  'project.create': ADMINISTRATORS,
  'project.read': EVERYONE,
  'project.update': ADMINISTRATORS,
  'project.transfer': OWNER,
  'project.delete': ADMINISTRATORS,
  'project.reveal': DEVELOPERS,
  'auth.read': EVERYONE,
  'auth.write': DEVELOPERS,
  'auth.configure': ADMINISTRATORS,
  'auth.keys': ADMINISTRATORS,
  'database.read': EVERYONE,
  'database.execute': DEVELOPERS,
  'rest.read': EVERYONE,
  'rest.configure': ADMINISTRATORS,
  'logs.read': EVERYONE,
  'logs.write': DEVELOPERS,
  'logs.configure': ADMINISTRATORS,
  'functions.read': EVERYONE,
  'functions.write': DEVELOPERS,
  'functions.configure': ADMINISTRATORS,
  'storage.read': EVERYONE,
  'storage.write': DEVELOPERS,
  'storage.configure': ADMINISTRATORS,
} as const satisfies Record<string, readonly MemberRole[]>

export type Permission = keyof typeof PERMISSIONS

/** Permissions that a read-only access token keeps. */
export function isReading(permission: Permission): boolean {
  return permission.endsWith('.read')
}

/** Whether the role allows the action. */
export function mayDo(role: MemberRole, permission: Permission): boolean {
  return PERMISSIONS[permission].includes(role)
}

/** Whether the first role is at least as strong as the second. */
export function isAtLeast(role: MemberRole, other: MemberRole): boolean {
  return EVERYONE.indexOf(role) <= EVERYONE.indexOf(other)
}
