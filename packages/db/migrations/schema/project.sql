create extension pgcrypto schema extensions;

create extension "uuid-ossp" schema extensions;

create schema _analytics authorization platform_internal;

create schema _realtime authorization platform_internal;

create schema analytics authorization platform_internal;

create schema auth authorization platform_internal;

create schema cron authorization platform_internal;

create schema extensions authorization postgres;

create schema functions authorization platform_internal;

create schema graphql authorization platform_internal;

create schema graphql_public authorization platform_internal;

create schema logs authorization platform_internal;

create schema net authorization platform_internal;

create schema pgbouncer authorization platform_internal;

create schema pgmq authorization platform_internal;

create schema pgsodium authorization platform_internal;

create schema pgsodium_masks authorization platform_internal;

create schema polder authorization platform_internal;

create schema public authorization project_owner;

create schema realtime authorization platform_internal;

create schema storage authorization platform_internal;

create schema supabase_functions authorization platform_internal;

create schema vault authorization platform_internal;

create schema webhooks authorization platform_internal;

create type auth.aal_level as enum ('aal1', 'aal2', 'aal3');

create sequence auth.refresh_tokens_id_seq;

create table auth.audit_log_entries (
  instance_id uuid,
  id uuid not null default gen_random_uuid(),
  payload json,
  created_at timestamp with time zone,
  ip_address character varying(64) not null default ''::character varying
);

alter table auth.audit_log_entries add constraint audit_log_entries_pkey PRIMARY KEY (id);

CREATE INDEX audit_logs_instance_id_idx ON auth.audit_log_entries USING btree (instance_id);

alter table auth.audit_log_entries owner to platform_internal;

alter table auth.audit_log_entries enable row level security;

create policy project_owner on auth.audit_log_entries as permissive for all to project_owner using (true) with check (true);

create table auth.identities (
  provider_id text not null,
  user_id uuid not null,
  identity_data jsonb not null,
  provider text not null,
  last_sign_in_at timestamp with time zone,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  email text generated always as (lower((identity_data ->> 'email'::text))) stored,
  id uuid not null default gen_random_uuid()
);

alter table auth.identities add constraint identities_pkey PRIMARY KEY (id);

alter table auth.identities add constraint identities_provider_id_provider_unique UNIQUE (provider_id, provider);

alter table auth.identities add constraint identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

CREATE INDEX identities_email_idx ON auth.identities USING btree (email text_pattern_ops);

CREATE INDEX identities_user_id_idx ON auth.identities USING btree (user_id);

alter table auth.identities owner to platform_internal;

alter table auth.identities enable row level security;

create policy project_owner on auth.identities as permissive for all to project_owner using (true) with check (true);

create table auth.mfa_amr_claims (
  session_id uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  authentication_method text not null,
  id uuid not null default gen_random_uuid()
);

alter table auth.mfa_amr_claims add constraint amr_id_pk PRIMARY KEY (id);

alter table auth.mfa_amr_claims add constraint mfa_amr_claims_session_id_authentication_method_pkey UNIQUE (session_id, authentication_method);

alter table auth.mfa_amr_claims add constraint mfa_amr_claims_session_id_fkey FOREIGN KEY (session_id) REFERENCES auth.sessions(id) ON DELETE CASCADE;

alter table auth.mfa_amr_claims owner to platform_internal;

alter table auth.mfa_amr_claims enable row level security;

create policy project_owner on auth.mfa_amr_claims as permissive for all to project_owner using (true) with check (true);

create table auth.refresh_tokens (
  instance_id uuid,
  id bigint not null default nextval('auth.refresh_tokens_id_seq'::regclass),
  token character varying(255),
  user_id character varying(255),
  revoked boolean,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  parent character varying(255),
  session_id uuid,
  sealed_successor bytea
);

alter table auth.refresh_tokens add constraint refresh_tokens_pkey PRIMARY KEY (id);

alter table auth.refresh_tokens add constraint refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES auth.sessions(id) ON DELETE CASCADE;

alter table auth.refresh_tokens add constraint refresh_tokens_token_unique UNIQUE (token);

CREATE INDEX refresh_tokens_instance_id_idx ON auth.refresh_tokens USING btree (instance_id);

CREATE INDEX refresh_tokens_instance_id_user_id_idx ON auth.refresh_tokens USING btree (instance_id, user_id);

CREATE INDEX refresh_tokens_parent_idx ON auth.refresh_tokens USING btree (parent);

CREATE INDEX refresh_tokens_session_id_revoked_idx ON auth.refresh_tokens USING btree (session_id, revoked);

CREATE INDEX refresh_tokens_updated_at_idx ON auth.refresh_tokens USING btree (updated_at DESC);

alter table auth.refresh_tokens owner to platform_internal;

alter table auth.refresh_tokens enable row level security;

create policy project_owner on auth.refresh_tokens as permissive for all to project_owner using (true) with check (true);

create table auth.sessions (
  id uuid not null,
  user_id uuid not null,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  factor_id uuid,
  aal auth.aal_level,
  not_after timestamp with time zone,
  refreshed_at timestamp without time zone,
  user_agent text,
  ip inet,
  tag text,
  oauth_client_id uuid,
  refresh_token_hmac_key text,
  refresh_token_counter bigint,
  scopes text
);

alter table auth.sessions add constraint sessions_pkey PRIMARY KEY (id);

alter table auth.sessions add constraint sessions_scopes_length CHECK ((char_length(scopes) <= 4096));

alter table auth.sessions add constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

CREATE INDEX sessions_not_after_idx ON auth.sessions USING btree (not_after DESC);

CREATE INDEX sessions_user_id_idx ON auth.sessions USING btree (user_id);

CREATE INDEX user_id_created_at_idx ON auth.sessions USING btree (user_id, created_at);

alter table auth.sessions owner to platform_internal;

alter table auth.sessions enable row level security;

create policy project_owner on auth.sessions as permissive for all to project_owner using (true) with check (true);

create table auth.users (
  instance_id uuid,
  id uuid not null default gen_random_uuid(),
  aud character varying(255),
  role character varying(255),
  email character varying(255),
  encrypted_password character varying(255),
  email_confirmed_at timestamp with time zone,
  invited_at timestamp with time zone,
  confirmation_token character varying(255),
  confirmation_sent_at timestamp with time zone,
  recovery_token character varying(255),
  recovery_sent_at timestamp with time zone,
  email_change_token_new character varying(255),
  email_change character varying(255),
  email_change_sent_at timestamp with time zone,
  last_sign_in_at timestamp with time zone,
  raw_app_meta_data jsonb,
  raw_user_meta_data jsonb,
  is_super_admin boolean,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  phone text,
  phone_confirmed_at timestamp with time zone,
  phone_change text default ''::text,
  phone_change_token character varying(255) default ''::character varying,
  phone_change_sent_at timestamp with time zone,
  confirmed_at timestamp with time zone generated always as (LEAST(email_confirmed_at, phone_confirmed_at)) stored,
  email_change_token_current character varying(255) default ''::character varying,
  email_change_confirm_status smallint default 0,
  banned_until timestamp with time zone,
  reauthentication_token character varying(255) default ''::character varying,
  reauthentication_sent_at timestamp with time zone,
  is_sso_user boolean not null default false,
  deleted_at timestamp with time zone,
  is_anonymous boolean not null default false
);

alter table auth.users add constraint users_email_change_confirm_status_check CHECK (((email_change_confirm_status >= 0) AND (email_change_confirm_status <= 2)));

alter table auth.users add constraint users_phone_key UNIQUE (phone);

alter table auth.users add constraint users_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX confirmation_token_idx ON auth.users USING btree (confirmation_token) WHERE ((confirmation_token)::text !~ '^[0-9 ]*$'::text);

CREATE UNIQUE INDEX email_change_token_current_idx ON auth.users USING btree (email_change_token_current) WHERE ((email_change_token_current)::text !~ '^[0-9 ]*$'::text);

CREATE UNIQUE INDEX email_change_token_new_idx ON auth.users USING btree (email_change_token_new) WHERE ((email_change_token_new)::text !~ '^[0-9 ]*$'::text);

CREATE UNIQUE INDEX reauthentication_token_idx ON auth.users USING btree (reauthentication_token) WHERE ((reauthentication_token)::text !~ '^[0-9 ]*$'::text);

CREATE UNIQUE INDEX recovery_token_idx ON auth.users USING btree (recovery_token) WHERE ((recovery_token)::text !~ '^[0-9 ]*$'::text);

CREATE INDEX users_created_at_idx ON auth.users USING btree (created_at DESC, id DESC);

CREATE UNIQUE INDEX users_email_partial_key ON auth.users USING btree (email) WHERE (is_sso_user = false);

CREATE INDEX users_instance_id_email_idx ON auth.users USING btree (instance_id, lower((email)::text));

CREATE INDEX users_instance_id_idx ON auth.users USING btree (instance_id);

CREATE INDEX users_is_anonymous_idx ON auth.users USING btree (is_anonymous);

alter table auth.users owner to platform_internal;

alter table auth.users enable row level security;

create policy project_owner on auth.users as permissive for all to project_owner using (true) with check (true);

create table polder.migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now()
);

alter table polder.migrations add constraint migrations_pkey PRIMARY KEY (name);

alter table polder.migrations owner to platform_internal;

CREATE OR REPLACE FUNCTION auth.email()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.email'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.email'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'email'::pg_catalog.text end
  )
$function$
;
alter function auth.email() owner to platform_internal;

CREATE OR REPLACE FUNCTION auth.jwt()
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) end
  )::pg_catalog.jsonb
$function$
;
alter function auth.jwt() owner to platform_internal;

CREATE OR REPLACE FUNCTION auth.role()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.role'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.role'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'role'::pg_catalog.text end
  )
$function$
;
alter function auth.role() owner to platform_internal;

CREATE OR REPLACE FUNCTION auth.uid()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.sub'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.sub'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'sub'::pg_catalog.text end
  )::pg_catalog.uuid
$function$
;
alter function auth.uid() owner to platform_internal;

grant execute on function auth.email() to public;

grant execute on function auth.jwt() to public;

grant execute on function auth.role() to public;

grant execute on function auth.uid() to public;

grant usage on schema auth to anon;

grant usage on schema auth to authenticated;

grant usage on schema auth to project_owner;

grant usage on schema auth to service_role;

grant usage on schema cron to project_owner;

grant create on schema extensions to project_owner;

grant usage on schema extensions to public;

grant usage on schema graphql_public to anon;

grant usage on schema graphql_public to authenticated;

grant usage on schema graphql_public to project_owner;

grant usage on schema graphql_public to service_role;

grant usage on schema net to project_owner;

grant usage on schema public to anon;

grant usage on schema public to authenticated;

grant usage on schema public to service_role;

grant usage on schema realtime to anon;

grant usage on schema realtime to authenticated;

grant usage on schema realtime to project_owner;

grant usage on schema realtime to service_role;

grant usage on schema storage to anon;

grant usage on schema storage to authenticated;

grant usage on schema storage to project_owner;

grant usage on schema storage to service_role;

grant usage on schema supabase_functions to project_owner;

grant usage on schema vault to project_owner;

grant usage on schema webhooks to project_owner;

grant delete on auth.audit_log_entries to project_owner;

grant insert on auth.audit_log_entries to project_owner;

grant references on auth.audit_log_entries to project_owner;

grant select on auth.audit_log_entries to project_owner;

grant trigger on auth.audit_log_entries to project_owner;

grant update on auth.audit_log_entries to project_owner;

grant delete on auth.identities to project_owner;

grant insert on auth.identities to project_owner;

grant references on auth.identities to project_owner;

grant select on auth.identities to project_owner;

grant trigger on auth.identities to project_owner;

grant update on auth.identities to project_owner;

grant delete on auth.mfa_amr_claims to project_owner;

grant insert on auth.mfa_amr_claims to project_owner;

grant references on auth.mfa_amr_claims to project_owner;

grant select on auth.mfa_amr_claims to project_owner;

grant trigger on auth.mfa_amr_claims to project_owner;

grant update on auth.mfa_amr_claims to project_owner;

grant delete on auth.refresh_tokens to project_owner;

grant insert on auth.refresh_tokens to project_owner;

grant references on auth.refresh_tokens to project_owner;

grant select on auth.refresh_tokens to project_owner;

grant trigger on auth.refresh_tokens to project_owner;

grant update on auth.refresh_tokens to project_owner;

grant select on auth.refresh_tokens_id_seq to project_owner;

grant usage on auth.refresh_tokens_id_seq to project_owner;

grant delete on auth.sessions to project_owner;

grant insert on auth.sessions to project_owner;

grant references on auth.sessions to project_owner;

grant select on auth.sessions to project_owner;

grant trigger on auth.sessions to project_owner;

grant update on auth.sessions to project_owner;

grant delete on auth.users to project_owner;

grant insert on auth.users to project_owner;

grant references on auth.users to project_owner;

grant select on auth.users to project_owner;

grant trigger on auth.users to project_owner;

grant update on auth.users to project_owner;

create publication supabase_realtime; alter publication supabase_realtime owner to project_owner;
