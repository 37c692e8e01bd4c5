-- Accounts (tier 1): the people and scripts who sign in to Polder itself, their sessions and access tokens.

create table accounts (
  id uuid primary key default uuidv7(),
  email text not null,
  name text not null default '',
  -- PHC string of Argon2id
  password_hash text not null,
  is_administrator boolean not null default false,
  disabled_at timestamptz,
  password_changed_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index accounts_email_key on accounts (lower(email));

create table sessions (
  -- sha256 of the session id that the cookie holds, as hex: a stolen copy of this table signs nobody in
  id text primary key,
  -- names the session in lists, where the real id must not appear
  public_id uuid not null unique default uuidv7(),
  account_id uuid not null references accounts on delete cascade,
  user_agent text,
  ip text,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_account_id_idx on sessions (account_id);

create table access_tokens (
  id uuid primary key default uuidv7(),
  account_id uuid not null references accounts on delete cascade,
  name text not null,
  prefix text not null,
  token_hash bytea not null unique,
  access text not null check (access in ('read', 'write')),
  -- the scope: one organization and some of its projects, or all of the account's
  organization_id uuid,
  project_refs text[],
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index access_tokens_account_id_idx on access_tokens (account_id);
