import type { MemberRole } from '@polder/core'
import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

export interface NewInvitation {
  organizationId: string
  email: string
  role: MemberRole
  hash: Buffer
  invitedBy: string
  expiresAt: Date
}

/** Adds an invitation. */
export function insertInvitation(tx: PlatformDatabase, invitation: NewInvitation) {
  return tx
    .insertInto('invitations')
    .values({
      organization_id: invitation.organizationId,
      email: invitation.email,
      role: invitation.role,
      token_hash: invitation.hash,
      invited_by: invitation.invitedBy,
      expires_at: invitation.expiresAt,
    })
    .returning(['id', 'email', 'role', 'created_at as createdAt', 'expires_at as expiresAt'])
    .executeTakeFirstOrThrow()
}

/** The open invitations of an organization, newest first. */
export function selectInvitations(tx: PlatformDatabase, organizationId: string) {
  return openInvitations(tx)
    .leftJoin('accounts', 'accounts.id', 'invitations.invited_by')
    .select([
      'invitations.id',
      'invitations.email',
      'invitations.role',
      sql<string>`coalesce(accounts.email, '')`.as('invitedBy'),
      'invitations.created_at as createdAt',
      'invitations.expires_at as expiresAt',
    ])
    .where('invitations.organization_id', '=', organizationId)
    .orderBy('invitations.id', 'desc')
    .execute()
}

/** The open invitation that a token stands for. */
export function selectInvitationByHash(tx: PlatformDatabase, hash: Buffer) {
  return openInvitations(tx)
    .innerJoin('organizations', 'organizations.id', 'invitations.organization_id')
    .select([
      'invitations.id',
      'invitations.organization_id as organizationId',
      'organizations.name as organizationName',
      'invitations.email',
      'invitations.role',
    ])
    .where('invitations.token_hash', '=', hash)
    .executeTakeFirst()
}

/** Uses an invitation up; false when it was used, revoked or expired meanwhile. */
export async function updateInvitationAccepted(tx: PlatformDatabase, invitationId: string): Promise<boolean> {
  const updated = await tx
    .updateTable('invitations')
    .set({ accepted_at: sql<Date>`now()` })
    .where('id', '=', invitationId)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return updated.numUpdatedRows > 0n
}

/** Revokes one open invitation of an organization; undefined when it has none by this id. */
export function updateInvitationRevoked(tx: PlatformDatabase, organizationId: string, invitationId: string) {
  return tx
    .updateTable('invitations')
    .set({ revoked_at: sql<Date>`now()` })
    .where('id', '=', invitationId)
    .where('organization_id', '=', organizationId)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .returning(['email', 'role'])
    .executeTakeFirst()
}

/** Revokes the open invitations of an organization to an e-mail; gives the roles that they were to. */
export async function updateInvitationsToEmailRevoked(tx: PlatformDatabase, organizationId: string, email: string): Promise<MemberRole[]> {
  const rows = await revocation(tx, organizationId)
    .where('email', '=', email)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('role')
    .execute()
  return rows.map(({ role }) => role)
}

/** Revokes the open invitations to the given roles that a member of an organization sent. */
export async function updateInvitationsFromRevoked(
  tx: PlatformDatabase,
  organizationId: string,
  accountId: string,
  roles: readonly MemberRole[],
): Promise<void> {
  if (roles.length === 0) return
  await revocation(tx, organizationId).where('invited_by', '=', accountId).where('role', 'in', roles).execute()
}

function openInvitations(tx: PlatformDatabase) {
  return tx
    .selectFrom('invitations')
    .where('invitations.accepted_at', 'is', null)
    .where('invitations.revoked_at', 'is', null)
    .where('invitations.expires_at', '>', sql<Date>`now()`)
}

function revocation(tx: PlatformDatabase, organizationId: string) {
  return tx
    .updateTable('invitations')
    .set({ revoked_at: sql<Date>`now()` })
    .where('organization_id', '=', organizationId)
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
}
