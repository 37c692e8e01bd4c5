import { isAtLeast, mayDo, memberRoleSchema, ServiceError, type Member, type MemberRole, type Permission } from '@polder/core'
import {
  countOwners,
  deleteMember,
  insertAuditEntry,
  lockOrganization,
  selectMember,
  selectMembers,
  selectRole,
  updateInvitationsFromRevoked,
  updateMemberRole,
  type PlatformDatabase,
} from '@polder/db'
import type { AccountParts } from './account-parts.ts'
import type { Actor } from './actor.ts'

/** Who belongs to an organization, and as what. */
export function createMembers({ platform, events }: Pick<AccountParts, 'platform' | 'events'>) {
  /** What ends a membership or weakens it: nothing that it gave may outlive it. */
  async function invalidate(tx: PlatformDatabase, organizationId: string, accountId: string, role: MemberRole | null): Promise<void> {
    const lost = memberRoleSchema.options.filter((other) => role === null || !mayDo(role, 'member.invite') || !isAtLeast(role, other))
    await updateInvitationsFromRevoked(tx, organizationId, accountId, lost)
    await events.publish({ type: 'access_changed', accountId }, tx)
  }

  return {
    listMembers: (organizationId: string): Promise<Member[]> => selectMembers(platform, organizationId),

    /** Gives a member another role. */
    updateMember: (actor: Actor, input: { organizationId: string; accountId: string; role: MemberRole }): Promise<Member> =>
      platform.transaction().execute(async (tx) => {
        const { organizationId, accountId, role } = input
        const ownRole = await requireMemberRole(tx, organizationId, actor.accountId, 'member.update')
        const member = await getMember(tx, organizationId, accountId)
        if (!isAtLeast(ownRole, member.role) || !isAtLeast(ownRole, role)) throw new ServiceError('organization.role_above_own')
        if (role !== 'owner') await requireOtherOwner(tx, organizationId, member)
        await updateMemberRole(tx, organizationId, accountId, role)
        const details = { email: member.email, from: member.role, to: role }
        await insertAuditEntry(tx, { actor, organizationId, action: 'member.update', target: accountId, details })
        await invalidate(tx, organizationId, accountId, role)
        return { ...member, role }
      }),

    /** Takes a member out of the organization. */
    removeMember: (actor: Actor, input: { organizationId: string; accountId: string }): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        const { organizationId, accountId } = input
        const ownRole = await requireMemberRole(tx, organizationId, actor.accountId, 'member.remove')
        const member = await getMember(tx, organizationId, accountId)
        if (!isAtLeast(ownRole, member.role)) throw new ServiceError('organization.role_above_own')
        await requireOtherOwner(tx, organizationId, member)
        await deleteMember(tx, organizationId, accountId)
        const details = { email: member.email, role: member.role }
        await insertAuditEntry(tx, { actor, organizationId, action: 'member.remove', target: accountId, details })
        await invalidate(tx, organizationId, accountId, null)
        return {}
      }),

    /** Leaves the organization. */
    leave: (actor: Actor, organizationId: string): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        await requireMemberRole(tx, organizationId, actor.accountId, 'member.leave')
        const member = await getMember(tx, organizationId, actor.accountId)
        await requireOtherOwner(tx, organizationId, member)
        await deleteMember(tx, organizationId, actor.accountId)
        await insertAuditEntry(tx, {
          actor,
          organizationId,
          action: 'member.leave',
          target: actor.accountId,
          details: { role: member.role },
        })
        await invalidate(tx, organizationId, actor.accountId, null)
        return {}
      }),
  }
}

/**
 * The role of an account, read where it cannot change any more: the organization's row is held until the transaction ends.
 * Throws as the door does; what the door saw may be out of date by now.
 */
export async function requireMemberRole(
  tx: PlatformDatabase,
  organizationId: string,
  accountId: string,
  permission: Permission,
): Promise<MemberRole> {
  const isThere = await lockOrganization(tx, organizationId)
  const role = isThere ? await selectRole(tx, organizationId, accountId) : undefined
  if (!role) throw new ServiceError('organization.not_found')
  if (!mayDo(role, permission)) throw new ServiceError('access.forbidden')
  return role
}

async function getMember(tx: PlatformDatabase, organizationId: string, accountId: string): Promise<Member> {
  const member = await selectMember(tx, organizationId, accountId)
  if (!member) throw new ServiceError('organization.member_not_found')
  return member
}

async function requireOtherOwner(tx: PlatformDatabase, organizationId: string, member: Member): Promise<void> {
  if (member.role === 'owner' && (await countOwners(tx, organizationId)) === 1) throw new ServiceError('organization.last_owner')
}
