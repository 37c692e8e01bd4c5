import { emailSchema, ServiceError, type Account, type changePasswordSchema, type signInSchema } from '@polder/core'
import {
  deleteSessionOfAccount,
  deleteSessionsOfAccount,
  insertAuditEntry,
  selectAccount,
  selectCredentials,
  selectPasswordHashForUpdate,
  selectPasswordHash,
  selectSessions,
  updateAccount,
  updatePassword,
  updatePasswordHash,
} from '@polder/db'
import type { z } from 'zod'
import type { SignedIn } from '../access/studio-session.ts'
import { createSessionCookie } from '../access/session-cookie.ts'
import { createAccessTokens } from './access-tokens.ts'
import type { AccountParts } from './account-parts.ts'
import type { Actor, Visitor } from './actor.ts'
import { toActor } from './actor.ts'
import { createPasswords, type Passwords } from './passwords.ts'
import { createRateLimits, toNetworkKey, type RateLimits } from './rate-limits.ts'
import { findSession, openSession } from './sessions.ts'
import { createSignUp } from './sign-up.ts'

export interface AccountsOptions extends Pick<AccountParts, 'platform' | 'events'> {
  publicUrl: string
  passwords?: Passwords
  limits?: RateLimits
  /** Whether anybody may sign up as long as no administrator has decided. */
  isSignUpOpen?: boolean
}

export type Accounts = ReturnType<typeof createAccounts>

/** Signing up and in, and what an account does with itself: sessions, access tokens, password. */
export function createAccounts(options: AccountsOptions) {
  const { platform, events, publicUrl, isSignUpOpen = true, passwords = createPasswords(), limits = createRateLimits() } = options
  const parts: AccountParts = { platform, events, passwords, limits, isSignUpOpen }

  async function requirePassword(accountId: string, password: string): Promise<string> {
    await limits.consume('passwordByAccount', accountId)
    const stored = await selectPasswordHash(platform, accountId)
    if (!stored || !(await passwords.verify(stored.passwordHash, password))) throw new ServiceError('account.password_wrong')
    await limits.restore('passwordByAccount', accountId)
    return stored.passwordHash
  }

  return {
    cookie: createSessionCookie(publicUrl),
    findSession: (sessionId: string) => findSession(platform, sessionId),
    ...createAccessTokens(parts),
    signUp: createSignUp(parts),

    /** Starts a session. Answers alike for an unknown e-mail and a wrong password: `account.credentials_invalid`. */
    async signIn(visitor: Visitor, input: z.infer<typeof signInSchema>): Promise<Account> {
      const network = toNetworkKey(visitor.request.ip)
      // What cannot be anybody's address is nobody's, with the same work and the same answer.
      const email = emailSchema.safeParse(input.email).data
      const attempt = `${network} ${email ?? ''}`
      await limits.consume('signInByIp', network)
      await limits.consume('signInByAccountAndIp', attempt)
      const found = email === undefined ? undefined : await selectCredentials(platform, email)
      const isRight = await passwords.verify(found?.passwordHash, input.password)
      if (!found || !isRight) throw new ServiceError('account.credentials_invalid')
      if (found.disabledAt) throw new ServiceError('account.disabled')
      await limits.restore('signInByIp', network)
      await limits.restore('signInByAccountAndIp', attempt)
      const rehashed = passwords.needsRehash(found.passwordHash) ? await passwords.hash(input.password) : undefined
      const account: Account = {
        id: found.id,
        email: found.email,
        name: found.name,
        isAdministrator: found.isAdministrator,
        createdAt: found.createdAt,
      }
      const sessionId = await platform.transaction().execute(async (tx) => {
        if (rehashed) await updatePasswordHash(tx, account.id, found.passwordHash, rehashed)
        if (visitor.account?.sessionId) await deleteSessionOfAccount(tx, visitor.account.accountId, visitor.account.sessionId)
        await insertAuditEntry(tx, {
          actor: toActor({ accountId: account.id, email: account.email, token: null }, visitor.request),
          action: 'account.sign_in',
        })
        return openSession(tx, account.id, visitor.request)
      })
      visitor.setSessionCookie(sessionId)
      return account
    },

    /** Ends the session of this request. */
    async signOut(visitor: Visitor & { account: SignedIn; actor: Actor }): Promise<Record<string, never>> {
      const { account, actor } = visitor
      await platform.transaction().execute(async (tx) => {
        if (account.sessionId) await deleteSessionOfAccount(tx, account.accountId, account.sessionId)
        await insertAuditEntry(tx, { actor, action: 'account.sign_out' })
        await events.publish({ type: 'access_changed', accountId: account.accountId }, tx)
      })
      visitor.setSessionCookie(null)
      return {}
    },

    /** The account itself. */
    async getAccount(accountId: string): Promise<Account> {
      const account = await selectAccount(platform, accountId)
      if (!account) throw new ServiceError('access.unauthenticated')
      return account
    },

    /** Changes the name that others see. */
    updateAccount: (actor: Actor, change: { name: string }): Promise<Account> =>
      platform.transaction().execute(async (tx) => {
        const account = await updateAccount(tx, actor.accountId, change)
        if (!account) throw new ServiceError('access.unauthenticated')
        await insertAuditEntry(tx, { actor, action: 'account.update', target: account.id, details: { name: account.name } })
        return account
      }),

    /** Sets a new password, ends every session, and starts a new one for this browser. */
    async changePassword(
      visitor: Visitor & { account: SignedIn; actor: Actor },
      { currentPassword, newPassword }: z.infer<typeof changePasswordSchema>,
    ): Promise<Record<string, never>> {
      const { accountId, email } = visitor.account
      const verified = await requirePassword(accountId, currentPassword)
      passwords.requireStrong(newPassword, email)
      const passwordHash = await passwords.hash(newPassword)
      const sessionId = await platform.transaction().execute(async (tx) => {
        // Another change may have come first: the password that was compared must still be the one that is replaced.
        const current = await selectPasswordHashForUpdate(tx, accountId)
        if (current?.passwordHash !== verified) throw new ServiceError('account.password_wrong')
        await updatePassword(tx, accountId, passwordHash)
        await deleteSessionsOfAccount(tx, accountId, null)
        await insertAuditEntry(tx, { actor: visitor.actor, action: 'account.change_password', target: accountId })
        await events.publish({ type: 'access_changed', accountId }, tx)
        return openSession(tx, accountId, visitor.request)
      })
      visitor.setSessionCookie(sessionId)
      return {}
    },

    /** Where the account is signed in. */
    async listSessions(account: SignedIn) {
      return (await selectSessions(platform, account.accountId)).map((session) => ({
        ...session,
        isCurrent: session.id === account.sessionId,
      }))
    },

    /** Ends one session of the account; `account.session_not_found` for one of somebody else's, too. */
    revokeSession: (actor: Actor, { id }: { id: string }): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        if (!(await deleteSessionOfAccount(tx, actor.accountId, id))) throw new ServiceError('account.session_not_found')
        await insertAuditEntry(tx, { actor, action: 'session.revoke', target: id })
        await events.publish({ type: 'access_changed', accountId: actor.accountId }, tx)
        return {}
      }),

    /** Ends every session of the account but this one. */
    revokeOtherSessions: (actor: Actor, account: SignedIn): Promise<{ revoked: number }> =>
      platform.transaction().execute(async (tx) => {
        const revoked = await deleteSessionsOfAccount(tx, account.accountId, account.sessionId)
        await insertAuditEntry(tx, { actor, action: 'session.revoke_others', details: { revoked } })
        await events.publish({ type: 'access_changed', accountId: account.accountId }, tx)
        return { revoked }
      }),
  }
}
