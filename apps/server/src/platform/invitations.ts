import { isAtLeast, ServiceError, type Invitation, type MemberRole } from '@polder/core'
import {
  hasAccountWithEmail,
  hasMemberWithEmail,
  insertAuditEntry,
  insertInvitation,
  insertMember,
  lockOrganization,
  selectInvitationByHash,
  selectInvitations,
  updateInvitationAccepted,
  updateInvitationRevoked,
  updateInvitationsToEmailRevoked,
  type PlatformDatabase,
} from '@polder/db'
import type { AccountParts } from './account-parts.ts'
import type { Actor, RequestFacts } from './actor.ts'
import { requireMemberRole } from './members.ts'
import { hashOpaqueToken, makeOpaqueToken } from './opaque-token.ts'
import { toNetworkKey } from './rate-limits.ts'

const LIFE_MS = 72 * 3_600_000

/** Bringing people into an organization: by a link that is for one e-mail, works once, and for 72 hours. */
export function createInvitations({
  platform,
  events,
  limits,
  publicUrl,
}: Pick<AccountParts, 'platform' | 'events' | 'limits'> & { publicUrl: string }) {
  return {
    /** The invitations that are still open. */
    listInvitations: (organizationId: string): Promise<Invitation[]> => selectInvitations(platform, organizationId),

    /** Invites somebody; an open invitation to the same e-mail is replaced. The link is shown here and never again. */
    async invite(actor: Actor, input: { organizationId: string; email: string; role: MemberRole }) {
      await limits.consume('inviteByAccount', actor.accountId)
      const token = makeOpaqueToken()
      const row = await platform.transaction().execute(async (tx) => {
        const ownRole = await requireMemberRole(tx, input.organizationId, actor.accountId, 'member.invite')
        requireAtMost(ownRole, input.role)
        if (await hasMemberWithEmail(tx, input.organizationId, input.email)) throw new ServiceError('organization.member_exists')
        for (const role of await updateInvitationsToEmailRevoked(tx, input.organizationId, input.email)) requireAtMost(ownRole, role)
        const row = await insertInvitation(tx, {
          ...input,
          hash: hashOpaqueToken(token),
          invitedBy: actor.accountId,
          expiresAt: new Date(Date.now() + LIFE_MS),
        })
        const details = { email: input.email, role: input.role }
        await insertAuditEntry(tx, { actor, organizationId: input.organizationId, action: 'invitation.create', target: row.id, details })
        return row
      })
      return { invitation: { ...row, invitedBy: actor.email }, token, url: `${publicUrl}/invitations/${token}` }
    },

    /** Makes an invitation worthless. */
    revokeInvitation: (actor: Actor, organizationId: string, invitationId: string): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        const ownRole = await requireMemberRole(tx, organizationId, actor.accountId, 'member.invite')
        const revoked = await updateInvitationRevoked(tx, organizationId, invitationId)
        if (!revoked) throw new ServiceError('organization.invitation_not_found')
        requireAtMost(ownRole, revoked.role)
        await insertAuditEntry(tx, {
          actor,
          organizationId,
          action: 'invitation.revoke',
          target: invitationId,
          details: { email: revoked.email },
        })
        return {}
      }),

    /** What the holder of a link sees before using it. */
    async findInvitation(request: RequestFacts, token: string) {
      await limits.consume('invitationByIp', toNetworkKey(request.ip))
      const invitation = await selectInvitationByHash(platform, hashOpaqueToken(token))
      if (!invitation) throw new ServiceError('organization.invitation_not_found')
      const { organizationName, email, role } = invitation
      return { organizationName, email, role, hasAccount: await hasAccountWithEmail(platform, email) }
    },

    /** Joins the organization of a link; gives its id. */
    async acceptInvitation(request: RequestFacts, actor: Actor, token: string): Promise<string> {
      await limits.consume('invitationByIp', toNetworkKey(request.ip))
      return platform.transaction().execute(async (tx) => {
        const organizationId = await useInvitation(tx, actor, token)
        await events.publish({ type: 'access_changed', accountId: actor.accountId }, tx)
        return organizationId
      })
    },
  }
}

function requireAtMost(ownRole: MemberRole, role: MemberRole): void {
  if (!isAtLeast(ownRole, role)) throw new ServiceError('organization.role_above_own')
}

/** The open invitation of a token, if it is for this e-mail; else it throws `organization.invitation_*`. */
export async function findInvitationFor(tx: PlatformDatabase, token: string, email: string) {
  const invitation = await selectInvitationByHash(tx, hashOpaqueToken(token))
  if (!invitation) throw new ServiceError('organization.invitation_not_found')
  if (invitation.email !== email) throw new ServiceError('organization.invitation_other_email')
  return invitation
}

/** Makes the actor a member by the invitation, which is used up; of several who try at once, one succeeds. */
export async function useInvitation(tx: PlatformDatabase, actor: Actor, token: string): Promise<string> {
  const { id, organizationId, email, role } = await findInvitationFor(tx, token, actor.email)
  if (!(await lockOrganization(tx, organizationId))) throw new ServiceError('organization.invitation_not_found')
  if (!(await updateInvitationAccepted(tx, id))) throw new ServiceError('organization.invitation_not_found')
  if (!(await insertMember(tx, organizationId, actor.accountId, role))) throw new ServiceError('organization.member_exists')
  await insertAuditEntry(tx, { actor, organizationId, action: 'invitation.accept', target: id, details: { email, role } })
  return organizationId
}
