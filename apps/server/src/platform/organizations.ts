import { ServiceError, type AuditPage, type ListAuditEntries, type Organization } from '@polder/core'
import {
  deleteOrganization,
  hasProjects,
  insertAuditEntry,
  insertMember,
  insertOrganization,
  selectAuditEntries,
  selectMembers,
  selectOrganizationName,
  selectOrganizations,
  updateOrganizationName,
} from '@polder/db'
import type { SignedIn } from '../access/studio-session.ts'
import type { AccountParts } from './account-parts.ts'
import type { Actor, RequestFacts } from './actor.ts'
import { createInvitations } from './invitations.ts'
import { createMembers, requireMemberRole } from './members.ts'
import { createRateLimits, type RateLimits } from './rate-limits.ts'

export interface OrganizationsOptions extends Pick<AccountParts, 'platform' | 'events'> {
  publicUrl: string
  limits?: RateLimits
}

export type Organizations = ReturnType<typeof createOrganizations>

/** Organizations: what projects belong to, and who belongs to them. */
export function createOrganizations({ platform, events, publicUrl, limits = createRateLimits() }: OrganizationsOptions) {
  const invitations = createInvitations({ platform, events, limits, publicUrl })

  async function getOrganization(accountId: string, organizationId: string): Promise<Organization> {
    const [organization] = await selectOrganizations(platform, accountId, { organizationId })
    if (!organization) throw new ServiceError('organization.not_found')
    return organization
  }

  return {
    ...createMembers({ platform, events }),
    ...invitations,
    getOrganization,

    /** The organizations of an account, as far as its access token reaches. */
    listOrganizations: ({ accountId, token }: SignedIn): Promise<Organization[]> => selectOrganizations(platform, accountId, token ?? {}),

    /** Makes an organization that belongs to the account. */
    async createOrganization(actor: Actor, { name }: { name: string }): Promise<Organization> {
      await limits.consume('organizationByAccount', actor.accountId)
      const { id } = await platform.transaction().execute(async (tx) => {
        const organization = await insertOrganization(tx, name)
        await insertMember(tx, organization.id, actor.accountId, 'owner')
        await insertAuditEntry(tx, {
          actor,
          organizationId: organization.id,
          action: 'organization.create',
          target: organization.id,
          details: { name },
        })
        return organization
      })
      return getOrganization(actor.accountId, id)
    },

    /** Renames an organization. */
    async renameOrganization(actor: Actor, organizationId: string, name: string): Promise<Organization> {
      await platform.transaction().execute(async (tx) => {
        await requireMemberRole(tx, organizationId, actor.accountId, 'organization.update')
        const from = await selectOrganizationName(tx, organizationId)
        await updateOrganizationName(tx, organizationId, name)
        await insertAuditEntry(tx, {
          actor,
          organizationId,
          action: 'organization.update',
          target: organizationId,
          details: { from, to: name },
        })
      })
      return getOrganization(actor.accountId, organizationId)
    },

    /** Deletes an organization that has no projects. */
    deleteOrganization: (actor: Actor, organizationId: string): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        await requireMemberRole(tx, organizationId, actor.accountId, 'organization.delete')
        if (await hasProjects(tx, organizationId)) throw new ServiceError('organization.not_empty')
        const name = await selectOrganizationName(tx, organizationId)
        const members = await selectMembers(tx, organizationId)
        await deleteOrganization(tx, organizationId)
        // Not in the organization's own log: that goes with it.
        await insertAuditEntry(tx, { actor, action: 'organization.delete', target: organizationId, details: { name } })
        for (const { accountId } of members) await events.publish({ type: 'access_changed', accountId }, tx)
        return {}
      }),

    /** Joins the organization of an invitation's link. */
    acceptInvitation: async (request: RequestFacts, actor: Actor, token: string): Promise<Organization> =>
      getOrganization(actor.accountId, await invitations.acceptInvitation(request, actor, token)),

    /** One page of what happened in an organization, newest first. */
    async listAuditEntries(organizationId: string, { before, limit }: ListAuditEntries): Promise<AuditPage> {
      // One more than asked for says whether there is another page.
      const rows = await selectAuditEntries(platform, { organizationId, before, limit: limit + 1 })
      const entries = rows.slice(0, limit)
      return { entries, next: rows.length > limit ? (entries.at(-1)?.id ?? null) : null }
    },
  }
}
