import { ServiceError, type Account, type signUpSchema } from '@polder/core'
import {
  deleteSessionOfAccount,
  hasAccounts,
  insertAccount,
  insertAuditEntry,
  insertMember,
  insertOrganization,
  lockSignUps,
  selectIsSignUpOpen,
  type PlatformDatabase,
} from '@polder/db'
import type { z } from 'zod'
import type { AccountParts } from './account-parts.ts'
import { toActor, type Actor, type Visitor } from './actor.ts'
import { findInvitationFor, useInvitation } from './invitations.ts'
import { toNetworkKey } from './rate-limits.ts'
import { openSession } from './sessions.ts'

const ORGANIZATION_NAME_LENGTH = 100

/**
 * Makes accounts. The first one administers the installation; each gets an organization of its own, so that it can make
 * projects at once. Where sign-up is closed, an invitation opens it to its own e-mail.
 */
export function createSignUp({ platform, passwords, limits, isSignUpOpen }: AccountParts) {
  async function requireOpen(tx: PlatformDatabase, input: z.infer<typeof signUpSchema>): Promise<{ isFirst: boolean }> {
    const isFirst = !(await hasAccounts(tx))
    if (input.invitationToken !== undefined) await findInvitationFor(tx, input.invitationToken, input.email)
    else if (!isFirst && !(await selectIsSignUpOpen(tx, isSignUpOpen))) throw new ServiceError('account.sign_up_closed')
    return { isFirst }
  }

  return async (visitor: Visitor, input: z.infer<typeof signUpSchema>): Promise<Account> => {
    await limits.consume('signUpByIp', toNetworkKey(visitor.request.ip))
    // Asked before the costly hash, and once more where nobody can sign up in between.
    await requireOpen(platform, input)
    passwords.requireStrong(input.password, input.email)
    const passwordHash = await passwords.hash(input.password)
    const { account, sessionId } = await platform.transaction().execute(async (tx) => {
      await lockSignUps(tx)
      const { isFirst } = await requireOpen(tx, input)
      const account = await insertAccount(tx, { email: input.email, name: input.name ?? '', passwordHash, isAdministrator: isFirst })
      if (!account) throw new ServiceError('account.email_taken')
      const actor = toActor({ accountId: account.id, email: account.email, token: null }, visitor.request)
      await insertAuditEntry(tx, { actor, action: 'account.create', target: account.id, details: { isAdministrator: isFirst } })
      await openFirstOrganization(tx, actor, account)
      if (input.invitationToken !== undefined) await useInvitation(tx, actor, input.invitationToken)
      if (visitor.account?.sessionId) await deleteSessionOfAccount(tx, visitor.account.accountId, visitor.account.sessionId)
      return { account, sessionId: await openSession(tx, account.id, visitor.request) }
    })
    visitor.setSessionCookie(sessionId)
    return account
  }
}

async function openFirstOrganization(tx: PlatformDatabase, actor: Actor, account: Account): Promise<void> {
  const suffix = "'s organization"
  const person = account.name || (account.email.split('@')[0] ?? '')
  // By code points, so that no character is cut in half.
  const name = [...person].slice(0, ORGANIZATION_NAME_LENGTH - suffix.length).join('') + suffix
  const organization = await insertOrganization(tx, name)
  await insertMember(tx, organization.id, account.id, 'owner')
  await insertAuditEntry(tx, {
    actor,
    organizationId: organization.id,
    action: 'organization.create',
    target: organization.id,
    details: { name },
  })
}
