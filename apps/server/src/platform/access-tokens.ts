import { randomBytes } from 'node:crypto'
import { ACCESS_TOKEN_PREFIX, ServiceError, type AccessToken, type CreateAccessToken } from '@polder/core'
import {
  countAccessTokens,
  insertAccessToken,
  insertAuditEntry,
  lockAccount,
  selectAccessTokens,
  selectProjectRefsOfAccount,
  selectTokenWithAccount,
  updateTokenLastUsed,
  updateTokenRevoked,
  type PlatformDatabase,
} from '@polder/db'
import type { SignedIn } from '../access/studio-session.ts'
import type { AccountParts } from './account-parts.ts'
import type { Actor } from './actor.ts'
import { requireMemberRole } from './members.ts'
import { hashOpaqueToken } from './opaque-token.ts'

const TOKENS_PER_ACCOUNT = 100
const USED_EVERY_MS = 60_000
const DAY_MS = 86_400_000
// `plr_` and six characters: enough to recognise a token by, and 34 characters short of guessing it.
const SHOWN_LENGTH = 10

/** Personal access tokens: how scripts sign in. */
export function createAccessTokens({ platform, events }: Pick<AccountParts, 'platform' | 'events'>) {
  return {
    /** The account and scope of an access token; null when it is not valid. */
    async findToken(token: string): Promise<SignedIn | null> {
      const row = await selectTokenWithAccount(platform, hashOpaqueToken(token))
      if (!row) return null
      if (!row.lastUsedAt || Date.now() - row.lastUsedAt.getTime() > USED_EVERY_MS) await updateTokenLastUsed(platform, row.id)
      return {
        accountId: row.accountId,
        email: row.email,
        name: row.name,
        isAdministrator: row.isAdministrator,
        sessionId: null,
        token: { id: row.id, access: row.access, organizationId: row.organizationId, projectRefs: row.projectRefs },
      }
    },

    /** The account's tokens, without the tokens themselves. */
    listTokens: (accountId: string): Promise<AccessToken[]> => selectAccessTokens(platform, accountId) as Promise<AccessToken[]>,

    /** Makes a token; the answer is the only place where it can be read. */
    createToken: (actor: Actor, input: CreateAccessToken): Promise<{ token: string; accessToken: AccessToken }> =>
      platform.transaction().execute(async (tx) => {
        await lockAccount(tx, actor.accountId)
        if ((await countAccessTokens(tx, actor.accountId)) >= TOKENS_PER_ACCOUNT) throw new ServiceError('account.token_limit')
        await requireOwnScope(tx, actor.accountId, input)
        // Forty hexadecimal digits: the form that Supabase's command line takes tokens in, behind other letters.
        const token = ACCESS_TOKEN_PREFIX + randomBytes(20).toString('hex')
        const scope = { access: input.access, organizationId: input.organizationId ?? null, projectRefs: input.projectRefs ?? null }
        const accessToken = await insertAccessToken(tx, {
          ...scope,
          accountId: actor.accountId,
          name: input.name,
          prefix: token.slice(0, SHOWN_LENGTH),
          hash: hashOpaqueToken(token),
          expiresAt: input.expiresInDays === undefined ? null : new Date(Date.now() + input.expiresInDays * DAY_MS),
        })
        await insertAuditEntry(tx, { actor, action: 'token.create', target: accessToken.id, details: { name: input.name, ...scope } })
        return { token, accessToken: accessToken as AccessToken }
      }),

    /** Makes a token worthless at once. */
    revokeToken: (actor: Actor, { id }: { id: string }): Promise<Record<string, never>> =>
      platform.transaction().execute(async (tx) => {
        const revoked = await updateTokenRevoked(tx, actor.accountId, id)
        if (!revoked) throw new ServiceError('account.token_not_found')
        await insertAuditEntry(tx, { actor, action: 'token.revoke', target: id, details: { name: revoked.name } })
        await events.publish({ type: 'access_changed', accountId: actor.accountId }, tx)
        return {}
      }),
  }
}

/** A token's scope names only what its account can see; it grants nothing by itself, but must not tell what else there is. */
async function requireOwnScope(tx: PlatformDatabase, accountId: string, { organizationId, projectRefs }: CreateAccessToken): Promise<void> {
  if (organizationId) await requireMemberRole(tx, organizationId, accountId, 'organization.read')
  if (!projectRefs) return
  const wanted = new Set<string>(projectRefs)
  const found = await selectProjectRefsOfAccount(tx, accountId, [...wanted], organizationId ?? null)
  if (found.length < wanted.size) throw new ServiceError('project.not_found')
}
