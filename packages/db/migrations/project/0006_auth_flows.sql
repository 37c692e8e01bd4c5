-- What waits for a user's answer: codes and links that were sent, and PKCE flows, with GoTrue's names. What projects without a mail or
-- message provider would have sent: an inbox that only the platform reads, since its links sign in whoever opens them. And the index
-- that finds users by a part of their address, number or name.

create type auth.one_time_token_type as enum (
  'confirmation_token', 'reauthentication_token', 'recovery_token', 'email_change_token_new', 'email_change_token_current',
  'phone_change_token'
);

create table auth.one_time_tokens (
  id uuid not null,
  user_id uuid not null,
  token_type auth.one_time_token_type not null,
  token_hash text not null,
  relates_to text not null,
  created_at timestamp without time zone not null default now(),
  updated_at timestamp without time zone not null default now(),
  constraint one_time_tokens_pkey primary key (id),
  constraint one_time_tokens_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  constraint one_time_tokens_token_hash_check check (char_length(token_hash) > 0)
);

create index one_time_tokens_token_hash_hash_idx on auth.one_time_tokens using hash (token_hash);
create index one_time_tokens_relates_to_hash_idx on auth.one_time_tokens using hash (relates_to);
create unique index one_time_tokens_user_id_token_type_key on auth.one_time_tokens (user_id, token_type);

create type auth.code_challenge_method as enum ('s256', 'plain');

create table auth.flow_state (
  id uuid not null,
  user_id uuid,
  auth_code text,
  code_challenge_method auth.code_challenge_method,
  code_challenge text,
  provider_type text not null,
  provider_access_token text,
  provider_refresh_token text,
  created_at timestamptz,
  updated_at timestamptz,
  authentication_method text not null,
  auth_code_issued_at timestamptz,
  invite_token text,
  referrer text,
  oauth_client_state_id uuid,
  linking_target_id uuid,
  email_optional boolean not null default false,
  constraint flow_state_pkey primary key (id)
);

comment on table auth.flow_state is 'Stores metadata for all OAuth/SSO login flows';
create index idx_auth_code on auth.flow_state (auth_code);
create index idx_user_id_auth_method on auth.flow_state (user_id, authentication_method);
create index flow_state_created_at_idx on auth.flow_state (created_at desc);

-- Lists of users are ordered by their address too. The one of GoTrue is partial, and so is of no use for that.
create index users_email_idx on auth.users (email, id);
create index audit_log_entries_created_at_idx on auth.audit_log_entries (created_at desc, id desc);

-- A database that was made before pg_trgm came along does without: its users are found as well, more slowly.
do $$
begin
  if exists (
    select from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_trgm' and n.nspname = 'extensions'
  ) then
    create index users_search_idx on auth.users using gin ((
      coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || coalesce(raw_user_meta_data ->> 'full_name', '') || ' '
        || coalesce(raw_user_meta_data ->> 'name', '')
    ) extensions.gin_trgm_ops);
  end if;
end
$$;

create table polder.inbox_messages (
  id bigint generated always as identity,
  channel text not null,
  -- an e-mail address or a phone number
  recipient text not null,
  -- which template, or which kind of code
  kind text not null,
  subject text not null default '',
  content text not null,
  created_at timestamptz not null default now(),
  read_at timestamptz,
  constraint inbox_messages_pkey primary key (id),
  constraint inbox_messages_channel_check check (channel in ('email', 'sms'))
);

comment on table polder.inbox_messages is 'Mail and text messages that the auth service of a project without a provider would have sent; the newest few hundred.';
revoke all on polder.inbox_messages from public;

grant select on auth.one_time_tokens, auth.flow_state to project_owner with grant option;
grant insert, update, delete, references, trigger on auth.one_time_tokens, auth.flow_state to project_owner;
grant usage on type auth.one_time_token_type, auth.code_challenge_method to project_owner;
do $$
declare
  name pg_catalog.text;
begin
  foreach name in array array['one_time_tokens', 'flow_state'] loop
    execute pg_catalog.format('alter table auth.%I enable row level security', name);
    execute pg_catalog.format('create policy project_owner on auth.%I to project_owner using (true) with check (true)', name);
  end loop;
end
$$;
