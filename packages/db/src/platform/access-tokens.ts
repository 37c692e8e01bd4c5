import { sql } from 'kysely'
import type { PlatformDatabase } from './platform-database.ts'

const COLUMNS = [
  'id',
  'name',
  'prefix',
  'access',
  'organization_id as organizationId',
  'project_refs as projectRefs',
  'created_at as createdAt',
  'expires_at as expiresAt',
  'last_used_at as lastUsedAt',
] as const

export interface NewAccessToken {
  accountId: string
  name: string
  prefix: string
  hash: Buffer
  access: 'read' | 'write'
  organizationId: string | null
  projectRefs: string[] | null
  expiresAt: Date | null
}

/** Adds a personal access token. */
export function insertAccessToken(tx: PlatformDatabase, token: NewAccessToken) {
  return tx
    .insertInto('access_tokens')
    .values({
      account_id: token.accountId,
      name: token.name,
      prefix: token.prefix,
      token_hash: token.hash,
      access: token.access,
      organization_id: token.organizationId,
      project_refs: token.projectRefs,
      expires_at: token.expiresAt,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
}

/** A token that is neither revoked nor expired, with its account unless that is disabled. */
export function selectTokenWithAccount(tx: PlatformDatabase, hash: Buffer) {
  return tx
    .selectFrom('access_tokens')
    .innerJoin('accounts', 'accounts.id', 'access_tokens.account_id')
    .select([
      'access_tokens.id',
      'access_tokens.account_id as accountId',
      'access_tokens.access',
      'access_tokens.organization_id as organizationId',
      'access_tokens.project_refs as projectRefs',
      'access_tokens.last_used_at as lastUsedAt',
      'accounts.email',
      'accounts.name',
      'accounts.is_administrator as isAdministrator',
    ])
    .where('access_tokens.token_hash', '=', hash)
    .where('access_tokens.revoked_at', 'is', null)
    .where((where) => where.or([where('access_tokens.expires_at', 'is', null), where('access_tokens.expires_at', '>', sql<Date>`now()`)]))
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst()
}

/** The tokens of an account that are not revoked, newest first. */
export function selectAccessTokens(tx: PlatformDatabase, accountId: string) {
  return tx
    .selectFrom('access_tokens')
    .select(COLUMNS)
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .orderBy('id', 'desc')
    .execute()
}

/** How many tokens of an account are not revoked. */
export async function countAccessTokens(tx: PlatformDatabase, accountId: string): Promise<number> {
  const row = await tx
    .selectFrom('access_tokens')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Notes that a token was used. */
export async function updateTokenLastUsed(tx: PlatformDatabase, tokenId: string): Promise<void> {
  await tx
    .updateTable('access_tokens')
    .set({ last_used_at: sql<Date>`now()` })
    .where('id', '=', tokenId)
    .execute()
}

/** Revokes a token of an account; undefined when it has no such token. */
export function updateTokenRevoked(tx: PlatformDatabase, accountId: string, tokenId: string) {
  return tx
    .updateTable('access_tokens')
    .set({ revoked_at: sql<Date>`now()` })
    .where('id', '=', tokenId)
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .returning(['id', 'name'])
    .executeTakeFirst()
}
