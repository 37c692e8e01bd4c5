import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

/** A JSON column: parsed when read, JSON text when written. */
type Json = ColumnType<unknown, string | null, string | null>

/** Read as a date; Postgres' `infinity`, which a tenant may write, is read as a number. */
type Timestamp = ColumnType<Date | number | null, Date | string | null | undefined, Date | string | null>

/** Rows of schema auth, as migrations/project/*_auth_*.sql makes them; a test compares them with the catalogue. */
export interface AuthTables {
  'auth.users': AuthUsersTable
  'auth.identities': AuthIdentitiesTable
  'auth.sessions': AuthSessionsTable
  'auth.refresh_tokens': AuthRefreshTokensTable
  'auth.mfa_amr_claims': AuthAmrClaimsTable
  'auth.audit_log_entries': AuthAuditLogEntriesTable
  'auth.one_time_tokens': AuthOneTimeTokensTable
  'auth.flow_state': AuthFlowStateTable
}

/** One row a user; tenants' own SQL may have written it, so that almost everything can be null. */
export interface AuthUsersTable {
  instance_id: string | null
  id: Generated<string>
  aud: string | null
  role: string | null
  email: string | null
  encrypted_password: string | null
  email_confirmed_at: Timestamp
  invited_at: Timestamp
  confirmation_token: string | null
  confirmation_sent_at: Timestamp
  recovery_token: string | null
  recovery_sent_at: Timestamp
  email_change_token_new: string | null
  email_change: string | null
  email_change_sent_at: Timestamp
  last_sign_in_at: Timestamp
  raw_app_meta_data: Json
  raw_user_meta_data: Json
  is_super_admin: boolean | null
  created_at: Timestamp
  updated_at: Timestamp
  phone: Generated<string | null>
  phone_confirmed_at: Timestamp
  phone_change: Generated<string | null>
  phone_change_token: Generated<string | null>
  phone_change_sent_at: Timestamp
  confirmed_at: GeneratedAlways<Date | number | null>
  email_change_token_current: Generated<string | null>
  email_change_confirm_status: Generated<number | null>
  banned_until: Timestamp
  reauthentication_token: Generated<string | null>
  reauthentication_sent_at: Timestamp
  is_sso_user: Generated<boolean>
  deleted_at: Timestamp
  is_anonymous: Generated<boolean>
}

/** One way to sign in as a user: provider `email`, and later OAuth providers. */
export interface AuthIdentitiesTable {
  provider_id: string
  user_id: string
  identity_data: ColumnType<unknown, string, string>
  provider: string
  last_sign_in_at: Timestamp
  created_at: Timestamp
  updated_at: Timestamp
  email: GeneratedAlways<string | null>
  id: Generated<string>
}

/** One sign-in that can be refreshed; signing out deletes it, and its tokens with it. */
export interface AuthSessionsTable {
  id: string
  user_id: string
  created_at: Timestamp
  updated_at: Timestamp
  factor_id: string | null
  aal: string | null
  not_after: Timestamp
  refreshed_at: Timestamp
  user_agent: string | null
  ip: string | null
  tag: string | null
  oauth_client_id: string | null
  refresh_token_hmac_key: string | null
  refresh_token_counter: string | null
  scopes: string | null
}

/** One refresh token, by its hash; spent ones stay until their session ends. */
export interface AuthRefreshTokensTable {
  instance_id: string | null
  id: Generated<string>
  token: string | null
  user_id: string | null
  revoked: boolean | null
  created_at: Timestamp
  updated_at: Timestamp
  parent: string | null
  session_id: string | null
  sealed_successor: Buffer | null
}

/** How the user of a session proved who they are. */
export interface AuthAmrClaimsTable {
  session_id: string
  created_at: ColumnType<Date | number, Date | string, Date | string>
  updated_at: ColumnType<Date | number, Date | string, Date | string>
  authentication_method: string
  id: Generated<string>
}

/** What happened to users, in GoTrue's words. */
export interface AuthAuditLogEntriesTable {
  instance_id: string | null
  id: Generated<string>
  payload: Json
  created_at: Timestamp
  ip_address: Generated<string>
}

/** One code or link that was sent to a user, by its hash; each kind at most once a user. */
export interface AuthOneTimeTokensTable {
  id: string
  user_id: string
  token_type: string
  token_hash: string
  relates_to: string
  created_at: ColumnType<Date, never, never>
  updated_at: ColumnType<Date, never, never>
}

/** One flow between asking for a sign-in and having it: PKCE of links, and the way to a provider and back. */
export interface AuthFlowStateTable {
  id: string
  user_id: string | null
  auth_code: string | null
  code_challenge_method: string | null
  code_challenge: string | null
  provider_type: string
  provider_access_token: string | null
  provider_refresh_token: string | null
  created_at: Timestamp
  updated_at: Timestamp
  authentication_method: string
  auth_code_issued_at: Timestamp
  invite_token: string | null
  referrer: string | null
  oauth_client_state_id: string | null
  linking_target_id: string | null
  email_optional: Generated<boolean>
}
