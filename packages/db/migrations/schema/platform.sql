create schema polder authorization platform_ctl;

create schema public authorization pg_database_owner;

create table polder.migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now()
);

alter table polder.migrations add constraint migrations_pkey PRIMARY KEY (name);

alter table polder.migrations owner to platform_ctl;

create table public.access_tokens (
  id uuid not null default uuidv7(),
  account_id uuid not null,
  name text not null,
  prefix text not null,
  token_hash bytea not null,
  access text not null,
  organization_id uuid,
  project_refs text[],
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone
);

alter table public.access_tokens add constraint access_tokens_access_check CHECK ((access = ANY (ARRAY['read'::text, 'write'::text])));

alter table public.access_tokens add constraint access_tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

alter table public.access_tokens add constraint access_tokens_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

alter table public.access_tokens add constraint access_tokens_pkey PRIMARY KEY (id);

alter table public.access_tokens add constraint access_tokens_token_hash_key UNIQUE (token_hash);

CREATE INDEX access_tokens_account_id_idx ON public.access_tokens USING btree (account_id);

alter table public.access_tokens owner to platform_ctl;

create table public.accounts (
  id uuid not null default uuidv7(),
  email text not null,
  name text not null default ''::text,
  password_hash text not null,
  is_administrator boolean not null default false,
  disabled_at timestamp with time zone,
  password_changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.accounts add constraint accounts_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX accounts_email_key ON public.accounts USING btree (lower(email));

alter table public.accounts owner to platform_ctl;

create table public.audit_log (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  account_id uuid,
  actor text,
  token_id uuid,
  organization_id uuid,
  ref text,
  action text not null,
  target text,
  details jsonb not null default '{}'::jsonb,
  ip text,
  request_id text
);

alter table public.audit_log add constraint audit_log_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE SET NULL;

alter table public.audit_log add constraint audit_log_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

alter table public.audit_log add constraint audit_log_pkey PRIMARY KEY (id);

CREATE INDEX audit_log_account_id_idx ON public.audit_log USING btree (account_id, id DESC);

CREATE INDEX audit_log_organization_id_idx ON public.audit_log USING btree (organization_id, id DESC);

CREATE INDEX audit_log_ref_idx ON public.audit_log USING btree (ref, id DESC) WHERE (ref IS NOT NULL);

alter table public.audit_log owner to platform_ctl;

create table public.clusters (
  id uuid not null default uuidv7(),
  name text not null,
  kind text not null,
  region text not null default 'local'::text,
  admin_url bytea,
  server_version text,
  walls jsonb not null default '[]'::jsonb,
  accepts_projects boolean not null default true,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.clusters add constraint clusters_kind_check CHECK ((kind = ANY (ARRAY['embedded'::text, 'external'::text])));

alter table public.clusters add constraint clusters_name_key UNIQUE (name);

alter table public.clusters add constraint clusters_pkey PRIMARY KEY (id);

alter table public.clusters owner to platform_ctl;

create table public.function_call_counts (
  ref text not null,
  name text not null,
  minute timestamp with time zone not null,
  calls integer not null,
  errors integer not null
);

alter table public.function_call_counts add constraint function_call_counts_pkey PRIMARY KEY (ref, name, minute);

alter table public.function_call_counts owner to platform_ctl;

create table public.function_invocations (
  id bigint not null generated always as identity,
  ref text not null,
  at timestamp with time zone not null,
  name text not null,
  version integer not null,
  request_id text not null,
  method text not null,
  path text not null,
  status integer not null,
  duration_ms real not null,
  cpu_ms real,
  memory_mb real,
  is_cold_start boolean not null,
  error text
);

alter table public.function_invocations add constraint function_invocations_pkey PRIMARY KEY (id);

CREATE INDEX function_invocations_at_idx ON public.function_invocations USING brin (at);

CREATE INDEX function_invocations_ref_idx ON public.function_invocations USING btree (ref, id DESC);

alter table public.function_invocations owner to platform_ctl;

create table public.function_schedule_runs (
  id bigint not null generated always as identity,
  schedule_id uuid not null,
  due_at timestamp with time zone not null,
  at timestamp with time zone not null default now(),
  status integer not null,
  duration_ms real not null,
  request_id text not null,
  missed integer not null,
  error text
);

alter table public.function_schedule_runs add constraint function_schedule_runs_pkey PRIMARY KEY (id);

alter table public.function_schedule_runs add constraint function_schedule_runs_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES public.function_schedules(id) ON DELETE CASCADE;

CREATE INDEX function_schedule_runs_schedule_id_idx ON public.function_schedule_runs USING btree (schedule_id, id DESC);

alter table public.function_schedule_runs owner to platform_ctl;

create table public.function_schedules (
  id uuid not null default uuidv7(),
  ref text not null,
  title text not null,
  name text not null,
  cron text not null,
  time_zone text not null,
  method text not null,
  path text not null,
  body text,
  missed_runs text not null,
  is_enabled boolean not null,
  next_at timestamp with time zone,
  created_at timestamp with time zone not null default now()
);

alter table public.function_schedules add constraint function_schedules_missed_runs_check CHECK ((missed_runs = ANY (ARRAY['skip'::text, 'once'::text])));

alter table public.function_schedules add constraint function_schedules_pkey PRIMARY KEY (id);

alter table public.function_schedules add constraint function_schedules_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

CREATE INDEX function_schedules_next_at_idx ON public.function_schedules USING btree (next_at) WHERE (next_at IS NOT NULL);

CREATE INDEX function_schedules_ref_idx ON public.function_schedules USING btree (ref);

alter table public.function_schedules owner to platform_ctl;

create table public.function_secrets (
  ref text not null,
  name text not null,
  value bytea not null,
  digest text not null,
  updated_at timestamp with time zone not null default now()
);

alter table public.function_secrets add constraint function_secrets_pkey PRIMARY KEY (ref, name);

alter table public.function_secrets add constraint function_secrets_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

alter table public.function_secrets owner to platform_ctl;

create table public.function_versions (
  function_id uuid not null,
  version integer not null,
  entrypoint text not null,
  import_map text,
  digest text not null,
  source_bytes integer not null,
  bundle_bytes integer not null,
  bundle_ms integer not null,
  boot_ms integer not null,
  message text,
  deployed_by text,
  created_at timestamp with time zone not null default now()
);

alter table public.function_versions add constraint function_versions_function_id_fkey FOREIGN KEY (function_id) REFERENCES public.functions(id) ON DELETE CASCADE;

alter table public.function_versions add constraint function_versions_pkey PRIMARY KEY (function_id, version);

alter table public.function_versions owner to platform_ctl;

create table public.functions (
  id uuid not null default uuidv7(),
  ref text not null,
  name text not null,
  verify_jwt boolean not null default true,
  version integer not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.functions add constraint functions_pkey PRIMARY KEY (id);

alter table public.functions add constraint functions_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

alter table public.functions add constraint functions_ref_name_key UNIQUE (ref, name);

alter table public.functions owner to platform_ctl;

create table public.installation_settings (
  name text not null,
  value jsonb not null,
  updated_at timestamp with time zone not null default now()
);

alter table public.installation_settings add constraint installation_settings_pkey PRIMARY KEY (name);

alter table public.installation_settings owner to platform_ctl;

create table public.invitations (
  id uuid not null default uuidv7(),
  organization_id uuid not null,
  email text not null,
  role text not null,
  token_hash bytea not null,
  invited_by uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  accepted_at timestamp with time zone,
  revoked_at timestamp with time zone
);

alter table public.invitations add constraint invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.accounts(id) ON DELETE SET NULL;

alter table public.invitations add constraint invitations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

alter table public.invitations add constraint invitations_pkey PRIMARY KEY (id);

alter table public.invitations add constraint invitations_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'developer'::text, 'viewer'::text])));

alter table public.invitations add constraint invitations_token_hash_key UNIQUE (token_hash);

CREATE INDEX invitations_organization_id_idx ON public.invitations USING btree (organization_id);

alter table public.invitations owner to platform_ctl;

create table public.members (
  organization_id uuid not null,
  account_id uuid not null,
  role text not null,
  created_at timestamp with time zone not null default now()
);

alter table public.members add constraint members_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

alter table public.members add constraint members_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE CASCADE;

alter table public.members add constraint members_pkey PRIMARY KEY (organization_id, account_id);

alter table public.members add constraint members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'administrator'::text, 'developer'::text, 'viewer'::text])));

CREATE INDEX members_account_id_idx ON public.members USING btree (account_id);

alter table public.members owner to platform_ctl;

create table public.operations (
  id uuid not null default uuidv7(),
  kind text not null,
  ref text not null,
  organization_id uuid,
  account_id uuid,
  status text not null default 'queued'::text,
  steps jsonb not null default '[]'::jsonb,
  input jsonb not null default '{}'::jsonb,
  attempt integer not null default 0,
  error jsonb,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone
);

alter table public.operations add constraint operations_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE SET NULL;

alter table public.operations add constraint operations_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id) ON DELETE SET NULL;

alter table public.operations add constraint operations_pkey PRIMARY KEY (id);

alter table public.operations add constraint operations_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'succeeded'::text, 'undoing'::text, 'failed'::text])));

CREATE INDEX operations_open_idx ON public.operations USING btree (status) WHERE (status = ANY (ARRAY['queued'::text, 'running'::text, 'undoing'::text]));

CREATE INDEX operations_ref_idx ON public.operations USING btree (ref, created_at DESC);

alter table public.operations owner to platform_ctl;

create table public.organizations (
  id uuid not null default uuidv7(),
  name text not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.organizations add constraint organizations_pkey PRIMARY KEY (id);

alter table public.organizations owner to platform_ctl;

create table public.project_secrets (
  ref text not null,
  name text not null,
  value bytea not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.project_secrets add constraint project_secrets_pkey PRIMARY KEY (ref, name);

alter table public.project_secrets add constraint project_secrets_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

alter table public.project_secrets owner to platform_ctl;

create table public.projects (
  ref text not null,
  organization_id uuid not null,
  cluster_id uuid not null,
  name text not null,
  plan text not null default 'shared'::text,
  status text not null,
  status_reason text,
  retryable boolean not null default false,
  region text not null default 'local'::text,
  database_name text not null,
  ledger text,
  settings jsonb not null default '{}'::jsonb,
  created_by uuid,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.projects add constraint projects_cluster_id_fkey FOREIGN KEY (cluster_id) REFERENCES public.clusters(id);

alter table public.projects add constraint projects_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.accounts(id) ON DELETE SET NULL;

alter table public.projects add constraint projects_database_name_key UNIQUE (database_name);

alter table public.projects add constraint projects_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES public.organizations(id);

alter table public.projects add constraint projects_pkey PRIMARY KEY (ref);

alter table public.projects add constraint projects_plan_check CHECK ((plan = ANY (ARRAY['shared'::text, 'dedicated'::text])));

alter table public.projects add constraint projects_ref_check CHECK ((ref ~ '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$'::text));

alter table public.projects add constraint projects_status_check CHECK ((status = ANY (ARRAY['provisioning'::text, 'starting'::text, 'active'::text, 'pausing'::text, 'paused'::text, 'resuming'::text, 'restoring'::text, 'moving'::text, 'deleting'::text, 'failed'::text])));

CREATE INDEX projects_organization_id_idx ON public.projects USING btree (organization_id);

alter table public.projects owner to platform_ctl;

create table public.retired_refs (
  ref text not null,
  retired_at timestamp with time zone not null default now()
);

alter table public.retired_refs add constraint retired_refs_pkey PRIMARY KEY (ref);

alter table public.retired_refs owner to platform_ctl;

create table public.saved_log_queries (
  id uuid not null default uuidv7(),
  ref text not null,
  name text not null,
  conditions jsonb not null,
  last_minutes integer not null,
  created_by uuid,
  created_at timestamp with time zone not null default now()
);

alter table public.saved_log_queries add constraint saved_log_queries_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.accounts(id) ON DELETE SET NULL;

alter table public.saved_log_queries add constraint saved_log_queries_pkey PRIMARY KEY (id);

alter table public.saved_log_queries add constraint saved_log_queries_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

CREATE UNIQUE INDEX saved_log_queries_ref_name_idx ON public.saved_log_queries USING btree (ref, lower(name));

alter table public.saved_log_queries owner to platform_ctl;

create table public.server_processes (
  id uuid not null default uuidv7(),
  lock_key bigint not null generated always as identity,
  worker_id text not null,
  host text not null,
  pid integer not null,
  started_at timestamp with time zone not null default now()
);

alter table public.server_processes add constraint server_processes_lock_key_key UNIQUE (lock_key);

alter table public.server_processes add constraint server_processes_pkey PRIMARY KEY (id);

alter table public.server_processes add constraint server_processes_worker_id_key UNIQUE (worker_id);

alter table public.server_processes owner to platform_ctl;

create table public.sessions (
  id text not null,
  public_id uuid not null default uuidv7(),
  account_id uuid not null,
  user_agent text,
  ip text,
  created_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null
);

alter table public.sessions add constraint sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

alter table public.sessions add constraint sessions_pkey PRIMARY KEY (id);

alter table public.sessions add constraint sessions_public_id_key UNIQUE (public_id);

CREATE INDEX sessions_account_id_idx ON public.sessions USING btree (account_id);

alter table public.sessions owner to platform_ctl;

create table public.signing_keys (
  ref text not null,
  kid text not null,
  algorithm text not null,
  status text not null,
  is_imported boolean not null default false,
  public_jwk jsonb,
  private_key bytea,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);

alter table public.signing_keys add constraint signing_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['HS256'::text, 'ES256'::text, 'RS256'::text])));

alter table public.signing_keys add constraint signing_keys_kid_check CHECK (((kid <> ''::text) AND (char_length(kid) <= 200)));

alter table public.signing_keys add constraint signing_keys_pkey PRIMARY KEY (ref, kid);

alter table public.signing_keys add constraint signing_keys_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

alter table public.signing_keys add constraint signing_keys_status_check CHECK ((status = ANY (ARRAY['standby'::text, 'in_use'::text, 'previously_used'::text, 'revoked'::text])));

CREATE UNIQUE INDEX signing_keys_in_use_idx ON public.signing_keys USING btree (ref) WHERE (status = 'in_use'::text);

CREATE UNIQUE INDEX signing_keys_jwt_secret_idx ON public.signing_keys USING btree (ref) WHERE (private_key IS NULL);

CREATE UNIQUE INDEX signing_keys_standby_idx ON public.signing_keys USING btree (ref) WHERE (status = 'standby'::text);

alter table public.signing_keys owner to platform_ctl;

create table public.storage_usage (
  ref text not null,
  bucket_id text not null,
  bytes bigint not null default 0,
  objects bigint not null default 0,
  changed_at timestamp with time zone not null default now(),
  swept_at timestamp with time zone
);

alter table public.storage_usage add constraint storage_usage_pkey PRIMARY KEY (ref, bucket_id);

alter table public.storage_usage add constraint storage_usage_ref_fkey FOREIGN KEY (ref) REFERENCES public.projects(ref) ON DELETE CASCADE;

alter table public.storage_usage owner to platform_ctl;

grant usage on schema public to public;
