import { sql, type Kysely, type RawBuilder, type Selectable, type SelectQueryBuilder } from 'kysely'
import type { AuthUsersTable, ProjectTables } from '@polder/db'
import type { AuthIdentity, AuthUser } from '../auth-user.ts'

const COLUMNS = [
  'id', 'aud', 'role', 'email', 'email_confirmed_at', 'invited_at', 'confirmation_sent_at', 'recovery_sent_at', 'email_change',
  'email_change_sent_at', 'last_sign_in_at', 'raw_app_meta_data', 'raw_user_meta_data', 'created_at', 'updated_at', 'phone',
  'phone_confirmed_at', 'phone_change', 'phone_change_sent_at', 'confirmed_at', 'banned_until', 'reauthentication_sent_at', 'deleted_at',
  'is_anonymous',
] as const // prettier-ignore

interface IdentityJson {
  id: string
  provider_id: string
  user_id: string
  provider: string
  identity_data: unknown
  email: string | null
  last_sign_in_at: string | null
  created_at: string | null
  updated_at: string | null
}

/** A user's columns that are no secret, and its identities as JSON. */
export type UserRow = Pick<Selectable<AuthUsersTable>, (typeof COLUMNS)[number]> & { identities: IdentityJson[] | null }

/** Selects users with their identities; the caller says which. */
export function selectUserRows(tx: Kysely<ProjectTables>): SelectQueryBuilder<ProjectTables, 'auth.users', UserRow> {
  return tx
    .selectFrom('auth.users')
    .select(COLUMNS.map((column) => `auth.users.${column}` as const))
    .select(identitiesOf('auth.users').as('identities')) as SelectQueryBuilder<ProjectTables, 'auth.users', UserRow>
}

/** The columns of a `UserRow` in a statement that has the user's row under this alias. */
export function toUserColumns(alias: string): RawBuilder<unknown> {
  const columns = COLUMNS.map((column) => sql.ref(`${alias}.${column}`))
  return sql`${sql.join(columns)}, ${identitiesOf(alias)} as identities`
}

function identitiesOf(alias: string) {
  return sql<IdentityJson[] | null>`(
    select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(identity) order by identity.created_at, identity.id)
    from auth.identities as identity where identity.user_id = ${sql.ref(`${alias}.id`)}
  )`
}

/** The user of a row, whoever wrote the row. */
export function toAuthUser(row: UserRow): AuthUser {
  return {
    id: row.id,
    audience: row.aud ?? 'authenticated',
    email: row.email === '' ? null : row.email,
    phone: row.phone === '' ? null : row.phone,
    role: row.role === '' ? null : row.role,
    emailConfirmedAt: toDate(row.email_confirmed_at),
    phoneConfirmedAt: toDate(row.phone_confirmed_at),
    confirmedAt: toDate(row.confirmed_at),
    lastSignInAt: toDate(row.last_sign_in_at),
    bannedUntil: toDate(row.banned_until),
    invitedAt: toDate(row.invited_at),
    confirmationSentAt: toDate(row.confirmation_sent_at),
    recoverySentAt: toDate(row.recovery_sent_at),
    newEmail: row.email_change || null,
    emailChangeSentAt: toDate(row.email_change_sent_at),
    newPhone: row.phone_change || null,
    phoneChangeSentAt: toDate(row.phone_change_sent_at),
    reauthenticationSentAt: toDate(row.reauthentication_sent_at),
    deletedAt: toDate(row.deleted_at),
    isAnonymous: row.is_anonymous,
    appMetadata: toObject(row.raw_app_meta_data),
    userMetadata: toObject(row.raw_user_meta_data),
    identities: (row.identities ?? []).map(toAuthIdentity),
    createdAt: toDate(row.created_at) ?? new Date(0),
    updatedAt: toDate(row.updated_at) ?? new Date(0),
  }
}

function toAuthIdentity(row: IdentityJson): AuthIdentity {
  return {
    id: row.id,
    providerId: row.provider_id,
    userId: row.user_id,
    provider: row.provider,
    data: toObject(row.identity_data),
    email: row.email,
    lastSignInAt: toDate(row.last_sign_in_at),
    createdAt: toDate(row.created_at),
    updatedAt: toDate(row.updated_at),
  }
}

const END_OF_TIME = 8.64e15

/** Postgres has times that JavaScript has not: `infinity`, and years past 275760. */
function toDate(value: Date | number | string | null): Date | null {
  if (value === null) return null
  if (value === 'infinity') return new Date(END_OF_TIME)
  if (value === '-infinity') return new Date(-END_OF_TIME)
  const time = typeof value === 'number' ? Math.max(-END_OF_TIME, Math.min(END_OF_TIME, value)) : new Date(value).getTime()
  return new Date(Number.isNaN(time) ? END_OF_TIME : time)
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
