create extension pg_trgm schema extensions;

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

create type auth.code_challenge_method as enum ('s256', 'plain');

create type auth.one_time_token_type as enum ('confirmation_token', 'reauthentication_token', 'recovery_token', 'email_change_token_new', 'email_change_token_current', 'phone_change_token');

create sequence auth.refresh_tokens_id_seq;

create table auth.audit_log_entries (
  instance_id uuid,
  id uuid not null default gen_random_uuid(),
  payload json,
  created_at timestamp with time zone,
  ip_address character varying(64) not null default ''::character varying
);

alter table auth.audit_log_entries add constraint audit_log_entries_pkey PRIMARY KEY (id);

CREATE INDEX audit_log_entries_created_at_idx ON auth.audit_log_entries USING btree (created_at DESC, id DESC);

CREATE INDEX audit_logs_instance_id_idx ON auth.audit_log_entries USING btree (instance_id);

alter table auth.audit_log_entries owner to platform_internal;

alter table auth.audit_log_entries enable row level security;

create policy project_owner on auth.audit_log_entries as permissive for all to project_owner using (true) with check (true);

create table auth.flow_state (
  id uuid not null,
  user_id uuid,
  auth_code text,
  code_challenge_method auth.code_challenge_method,
  code_challenge text,
  provider_type text not null,
  provider_access_token text,
  provider_refresh_token text,
  created_at timestamp with time zone,
  updated_at timestamp with time zone,
  authentication_method text not null,
  auth_code_issued_at timestamp with time zone,
  invite_token text,
  referrer text,
  oauth_client_state_id uuid,
  linking_target_id uuid,
  email_optional boolean not null default false
);

alter table auth.flow_state add constraint flow_state_pkey PRIMARY KEY (id);

CREATE INDEX flow_state_created_at_idx ON auth.flow_state USING btree (created_at DESC);

CREATE INDEX idx_auth_code ON auth.flow_state USING btree (auth_code);

CREATE INDEX idx_user_id_auth_method ON auth.flow_state USING btree (user_id, authentication_method);

alter table auth.flow_state owner to platform_internal;

alter table auth.flow_state enable row level security;

create policy project_owner on auth.flow_state as permissive for all to project_owner using (true) with check (true);

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

create table auth.one_time_tokens (
  id uuid not null,
  user_id uuid not null,
  token_type auth.one_time_token_type not null,
  token_hash text not null,
  relates_to text not null,
  created_at timestamp without time zone not null default now(),
  updated_at timestamp without time zone not null default now()
);

alter table auth.one_time_tokens add constraint one_time_tokens_pkey PRIMARY KEY (id);

alter table auth.one_time_tokens add constraint one_time_tokens_token_hash_check CHECK ((char_length(token_hash) > 0));

alter table auth.one_time_tokens add constraint one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

CREATE INDEX one_time_tokens_relates_to_hash_idx ON auth.one_time_tokens USING hash (relates_to);

CREATE INDEX one_time_tokens_token_hash_hash_idx ON auth.one_time_tokens USING hash (token_hash);

CREATE UNIQUE INDEX one_time_tokens_user_id_token_type_key ON auth.one_time_tokens USING btree (user_id, token_type);

alter table auth.one_time_tokens owner to platform_internal;

alter table auth.one_time_tokens enable row level security;

create policy project_owner on auth.one_time_tokens as permissive for all to project_owner using (true) with check (true);

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

CREATE INDEX users_email_idx ON auth.users USING btree (email, id);

CREATE UNIQUE INDEX users_email_partial_key ON auth.users USING btree (email) WHERE (is_sso_user = false);

CREATE INDEX users_instance_id_email_idx ON auth.users USING btree (instance_id, lower((email)::text));

CREATE INDEX users_instance_id_idx ON auth.users USING btree (instance_id);

CREATE INDEX users_is_anonymous_idx ON auth.users USING btree (is_anonymous);

CREATE INDEX users_search_idx ON auth.users USING gin (((((((((COALESCE(email, ''::character varying))::text || ' '::text) || COALESCE(phone, ''::text)) || ' '::text) || COALESCE((raw_user_meta_data ->> 'full_name'::text), ''::text)) || ' '::text) || COALESCE((raw_user_meta_data ->> 'name'::text), ''::text))) extensions.gin_trgm_ops);

alter table auth.users owner to platform_internal;

alter table auth.users enable row level security;

create policy project_owner on auth.users as permissive for all to project_owner using (true) with check (true);

create table polder.inbox_messages (
  id bigint not null generated always as identity,
  channel text not null,
  recipient text not null,
  kind text not null,
  subject text not null default ''::text,
  content text not null,
  created_at timestamp with time zone not null default now(),
  read_at timestamp with time zone,
  failure text
);

alter table polder.inbox_messages add constraint inbox_messages_channel_check CHECK ((channel = ANY (ARRAY['email'::text, 'sms'::text])));

alter table polder.inbox_messages add constraint inbox_messages_pkey PRIMARY KEY (id);

alter table polder.inbox_messages owner to platform_internal;

create table polder.migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now()
);

alter table polder.migrations add constraint migrations_pkey PRIMARY KEY (name);

alter table polder.migrations owner to platform_internal;

create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp without time zone not null default (now() AT TIME ZONE 'utc'::text),
  inserted_at timestamp without time zone not null default (now() AT TIME ZONE 'utc'::text),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea
);

alter table realtime.messages add constraint messages_payload_exclusive CHECK (((payload IS NULL) OR (binary_payload IS NULL)));

alter table realtime.messages add constraint messages_pkey PRIMARY KEY (id, inserted_at);

CREATE INDEX messages_inserted_at_topic_index ON ONLY realtime.messages USING btree (inserted_at DESC, topic) WHERE ((extension = 'broadcast'::text) AND (private IS TRUE));

alter table realtime.messages owner to project_owner;

alter table realtime.messages enable row level security;

create table realtime.messages_default (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp without time zone not null default (now() AT TIME ZONE 'utc'::text),
  inserted_at timestamp without time zone not null default (now() AT TIME ZONE 'utc'::text),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea
);

alter table realtime.messages_default add constraint messages_default_pkey PRIMARY KEY (id, inserted_at);

alter table realtime.messages_default add constraint messages_payload_exclusive CHECK (((payload IS NULL) OR (binary_payload IS NULL)));

CREATE INDEX messages_default_inserted_at_topic_idx ON realtime.messages_default USING btree (inserted_at DESC, topic) WHERE ((extension = 'broadcast'::text) AND (private IS TRUE));

alter table realtime.messages_default owner to platform_internal;

create table storage.buckets (
  id text not null,
  name text not null,
  owner uuid,
  created_at timestamp with time zone default now(),
  updated_at timestamp with time zone default now(),
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  owner_id text
);

alter table storage.buckets add constraint buckets_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX bname ON storage.buckets USING btree (name);

alter table storage.buckets owner to project_owner;

alter table storage.buckets enable row level security;

create table storage.objects (
  id uuid not null default gen_random_uuid(),
  bucket_id text,
  name text,
  owner uuid,
  created_at timestamp with time zone default now(),
  updated_at timestamp with time zone default now(),
  last_accessed_at timestamp with time zone default now(),
  metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/'::text)) stored,
  version text,
  owner_id text,
  user_metadata jsonb
);

alter table storage.objects add constraint "objects_bucketId_fkey" FOREIGN KEY (bucket_id) REFERENCES storage.buckets(id);

alter table storage.objects add constraint objects_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX bucketid_objname ON storage.objects USING btree (bucket_id, name);

CREATE INDEX idx_objects_bucket_id_name ON storage.objects USING btree (bucket_id, name COLLATE "C");

alter table storage.objects owner to project_owner;

alter table storage.objects enable row level security;

CREATE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();

create table storage.s3_multipart_uploads (
  id text not null,
  in_progress_size bigint not null default 0,
  upload_signature text not null,
  bucket_id text not null,
  key text not null,
  version text not null,
  owner_id text,
  created_at timestamp with time zone not null default now(),
  user_metadata jsonb,
  metadata jsonb
);

alter table storage.s3_multipart_uploads add constraint s3_multipart_uploads_bucket_id_fkey FOREIGN KEY (bucket_id) REFERENCES storage.buckets(id);

alter table storage.s3_multipart_uploads add constraint s3_multipart_uploads_pkey PRIMARY KEY (id);

CREATE INDEX idx_multipart_uploads_list ON storage.s3_multipart_uploads USING btree (bucket_id, key, created_at);

alter table storage.s3_multipart_uploads owner to platform_internal;

alter table storage.s3_multipart_uploads enable row level security;

create policy project_owner on storage.s3_multipart_uploads as permissive for select to project_owner using (true);

create table storage.s3_multipart_uploads_parts (
  id uuid not null default gen_random_uuid(),
  upload_id text not null,
  size bigint not null default 0,
  part_number integer not null,
  bucket_id text not null,
  key text not null,
  etag text not null,
  owner_id text,
  version text not null,
  created_at timestamp with time zone not null default now()
);

alter table storage.s3_multipart_uploads_parts add constraint s3_multipart_uploads_parts_bucket_id_fkey FOREIGN KEY (bucket_id) REFERENCES storage.buckets(id);

alter table storage.s3_multipart_uploads_parts add constraint s3_multipart_uploads_parts_part_key UNIQUE (upload_id, part_number);

alter table storage.s3_multipart_uploads_parts add constraint s3_multipart_uploads_parts_pkey PRIMARY KEY (id);

alter table storage.s3_multipart_uploads_parts add constraint s3_multipart_uploads_parts_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES storage.s3_multipart_uploads(id) ON DELETE CASCADE;

alter table storage.s3_multipart_uploads_parts owner to platform_internal;

alter table storage.s3_multipart_uploads_parts enable row level security;

create policy project_owner on storage.s3_multipart_uploads_parts as permissive for select to project_owner using (true);

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

CREATE OR REPLACE FUNCTION realtime.add_probes(topic text, extensions text[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  ids uuid[];
begin
  -- only realtime.judge asks in such a way; the rows are made for whoever may call it
  if current_setting('realtime.judging', true) is distinct from topic then
    raise insufficient_privilege using message = 'Channels are judged by realtime.judge.';
  end if;
  with added as (
    insert into realtime.messages (topic, extension) select add_probes.topic, unnest(extensions) returning id
  )
  select array_agg(id) into ids from added;
  return ids;
end
$function$
;
alter function realtime.add_probes(text,text[]) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.broadcast_changes(topic_name text, event_name text, operation text, table_name text, table_schema text, new record, old record, level text DEFAULT 'ROW'::text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if level operator(pg_catalog.=) 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation operator(pg_catalog.<>) all (array['INSERT', 'UPDATE', 'DELETE']) then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    pg_catalog.jsonb_build_object(
      'old_record', old, 'record', new, 'operation', operation, 'table', table_name, 'schema', table_schema),
    event_name, topic_name);
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$function$
;
alter function realtime.broadcast_changes(text,text,text,text,text,record,record,text) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.judge(topic text, extensions text[], reads boolean, writes boolean)
 RETURNS text[]
 LANGUAGE plpgsql
AS $function$
declare
  allowed text[] := '{}';
  seen text[];
  probes uuid[];
  kind text;
begin
  perform pg_catalog.set_config('realtime.topic', topic, true), pg_catalog.set_config('realtime.judging', topic, true);
  if reads then
    begin
      probes := realtime.add_probes(topic, extensions);
      select pg_catalog.array_agg('read.' operator(pg_catalog.||) m.extension) into seen from realtime.messages m
        where m.id operator(pg_catalog.=) any (probes)
          and m.inserted_at operator(pg_catalog.=) (pg_catalog.now() at time zone 'utc');
      raise exception using errcode = 'PLR01';
    exception when sqlstate 'PLR01' then
      allowed := allowed operator(pg_catalog.||) coalesce(seen, '{}');
    end;
  end if;
  if writes then
    foreach kind in array extensions loop
      begin
        insert into realtime.messages (topic, extension) values (topic, kind);
        raise exception using errcode = 'PLR01';
      exception
        when sqlstate 'PLR01' then
          allowed := pg_catalog.array_append(allowed, 'write.' operator(pg_catalog.||) kind);
        when insufficient_privilege then
          null;
      end;
    end loop;
  end if;
  return allowed;
end
$function$
;
alter function realtime.judge(text,text[],boolean,boolean) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.maintain_messages(today date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  day date;
  name text;
begin
  for ahead in 0..3 loop
    day := today + ahead;
    name := 'messages_' || to_char(day, 'YYYY_MM_DD');
    -- a day that has rows elsewhere stays there
    continue when to_regclass('realtime.' || name) is not null
      or exists (select from realtime.messages_default d where d.inserted_at >= day and d.inserted_at < day + 1);
    execute format('create table realtime.%I (like realtime.messages including all)', name);
    execute format('alter table realtime.messages attach partition realtime.%I for values from (%L) to (%L)', name, day, day + 1);
  end loop;
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass and c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
      and to_date(right(c.relname, 10), 'YYYY_MM_DD') < today - 3
  loop
    execute format('drop table realtime.%I', name);
  end loop;
  delete from realtime.messages_default where inserted_at < today - 3;
end
$function$
;
alter function realtime.maintain_messages(date) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.send(payload jsonb, event text, topic text, private boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  message_id constant uuid := pg_catalog.gen_random_uuid();
begin
  if pg_catalog.jsonb_typeof(payload) operator(pg_catalog.=) 'object' and not payload operator(pg_catalog.?) 'id' then
    payload := pg_catalog.jsonb_set(payload, '{id}', pg_catalog.to_jsonb(message_id));
  end if;
  perform pg_catalog.set_config('realtime.topic', topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$function$
;
alter function realtime.send(jsonb,text,text,boolean) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.send_binary(payload bytea, event text, topic text, private boolean DEFAULT true)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_catalog.set_config('realtime.topic', topic, true);
  insert into realtime.messages (binary_payload, event, topic, private, extension) values (payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$function$
;
alter function realtime.send_binary(bytea,text,text,boolean) owner to platform_internal;

CREATE OR REPLACE FUNCTION realtime.topic()
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select case when pg_catalog.current_setting('realtime.topic', true) operator(pg_catalog.<>) ''
    then pg_catalog.current_setting('realtime.topic', true) end
$function$
;
alter function realtime.topic() owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.after_prefix(prefix text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  code integer;
begin
  for position in reverse length(prefix)..1 loop
    code := ascii(substr(prefix, position, 1));
    if code < 1114111 then
      -- what lies between 55295 and 57344 are halves of characters
      return left(prefix, position - 1) || chr(case when code = 55295 then 57344 else code + 1 end);
    end if;
  end loop;
  return null;
end
$function$
;
alter function storage.after_prefix(text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.extension(name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select pg_catalog.reverse(pg_catalog.split_part(pg_catalog.reverse(storage.filename(extension.name)), '.', 1))
$function$
;
alter function storage.extension(text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.filename(name text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select parts[pg_catalog.array_length(parts, 1)]
  from (select pg_catalog.string_to_array(filename.name, '/') as parts) as split
$function$
;
alter function storage.filename(text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.foldername(name text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select parts[1:pg_catalog.array_length(parts, 1) operator(pg_catalog.-) 1]
  from (select pg_catalog.string_to_array(foldername.name, '/') as parts) as split
$function$
;
alter function storage.foldername(text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.get_size_by_bucket()
 RETURNS TABLE(size bigint, bucket_id text)
 LANGUAGE sql
 STABLE
AS $function$
  select pg_catalog.sum((o.metadata operator(pg_catalog.->>) 'size')::bigint)::bigint, o.bucket_id from storage.objects o group by o.bucket_id
$function$
;
alter function storage.get_size_by_bucket() owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.list_objects_with_delimiter(bucket_id text, prefix_param text, delimiter_param text, max_keys integer DEFAULT 100, start_after text DEFAULT ''::text, next_token text DEFAULT ''::text, sort_order text DEFAULT 'asc'::text)
 RETURNS TABLE(name text, id uuid, metadata jsonb, updated_at timestamp with time zone, created_at timestamp with time zone, last_accessed_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  wanted constant text := coalesce(prefix_param, '');
  is_down constant boolean := lower(coalesce(sort_order, 'asc')) = 'desc';
  ending constant text := storage.after_prefix(wanted);
  low text := wanted;
  high text := ending;
  after constant text := coalesce(nullif(next_token, ''), nullif(start_after, ''));
  found record;
  cut integer;
  folder text;
  given integer := 0;
begin
  if after is not null and is_down then
    high := case when high is null or after collate "C" < high then after else high end;
  elsif after is not null and after collate "C" >= wanted then
    cut := position(delimiter_param in substr(after, length(wanted) + 1));
    -- behind a whole folder, also when the text names something within it
    low := case
      when starts_with(after, wanted) and cut > 0 then storage.after_prefix(left(after, length(wanted) + cut + length(delimiter_param) - 1))
      else after || chr(1) end;
  end if;
  while given < max_keys loop
    if low is null then
      return;
    end if;
    folder := null;
    for found in
      select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o
      where o.bucket_id = list_objects_with_delimiter.bucket_id and not is_down
        and o.name collate "C" >= low and (high is null or o.name collate "C" < high)
      order by o.name collate "C" limit (max_keys - given)
    loop
      cut := position(delimiter_param in substr(found.name, length(wanted) + 1));
      if cut > 0 then
        folder := left(found.name, length(wanted) + cut + length(delimiter_param) - 1);
        exit;
      end if;
      return query select found.name, found.id, found.metadata, found.updated_at, found.created_at, found.last_accessed_at;
      given := given + 1;
      low := found.name || chr(1);
    end loop;
    if is_down then
      for found in
        select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o
        where o.bucket_id = list_objects_with_delimiter.bucket_id
          and o.name collate "C" >= wanted and (high is null or o.name collate "C" < high)
        order by o.name collate "C" desc limit (max_keys - given)
      loop
        cut := position(delimiter_param in substr(found.name, length(wanted) + 1));
        if cut > 0 then
          folder := left(found.name, length(wanted) + cut + length(delimiter_param) - 1);
          exit;
        end if;
        return query select found.name, found.id, found.metadata, found.updated_at, found.created_at, found.last_accessed_at;
        given := given + 1;
        high := found.name;
      end loop;
    end if;
    if folder is null then
      return;
    end if;
    return query select folder, null::uuid, null::jsonb, null::timestamptz, null::timestamptz, null::timestamptz;
    given := given + 1;
    low := storage.after_prefix(folder);
    high := case when is_down then folder else high end;
  end loop;
end
$function$
;
alter function storage.list_objects_with_delimiter(text,text,text,integer,text,text,text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.operation()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select pg_catalog.current_setting('storage.operation', true)
$function$
;
alter function storage.operation() owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.search(prefix text, bucketname text, limits integer DEFAULT 100, levels integer DEFAULT 1, offsets integer DEFAULT 0, search text DEFAULT ''::text, sortcolumn text DEFAULT 'name'::text, sortorder text DEFAULT 'asc'::text)
 RETURNS TABLE(name text, id uuid, updated_at timestamp with time zone, created_at timestamp with time zone, last_accessed_at timestamp with time zone, metadata jsonb)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  wanted constant text := coalesce(prefix, '');
  ending constant text := storage.after_prefix(wanted);
  sought constant text := lower(coalesce(search, ''));
  is_down constant boolean := lower(coalesce(sortorder, 'asc')) = 'desc';
  by_time constant text := case when lower(sortcolumn) in ('updated_at', 'created_at', 'last_accessed_at') then lower(sortcolumn) end;
begin
  if by_time is null and sought = '' then
    return query
      select rtrim(substr(l.name, length(wanted) + 1), '/'), l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata
      from storage.list_objects_with_delimiter(bucketname, wanted, '/', limits + offsets, '', '', sortorder) with ordinality
        as l (name, id, metadata, updated_at, created_at, last_accessed_at, place)
      order by l.place offset offsets limit limits;
    return;
  end if;
  return query
    with under as (
      select substr(o.name, length(wanted) + 1) as rest, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
      from storage.objects o
      where o.bucket_id = bucketname and o.name collate "C" >= wanted and (ending is null or o.name collate "C" < ending)
        and starts_with(lower(substr(o.name, length(wanted) + 1)), sought)
    ), entries as (
      select distinct split_part(u.rest, '/', 1) as name, null::uuid as id, null::timestamptz as updated_at, null::timestamptz as created_at,
        null::timestamptz as last_accessed_at, null::jsonb as metadata
      from under u where position('/' in u.rest) > 0
      union all
      select u.* from under u where position('/' in u.rest) = 0
    )
    select e.* from entries e
    order by
      case when by_time is not null then e.id is not null end,
      case when not is_down then case by_time when 'updated_at' then e.updated_at when 'created_at' then e.created_at
        when 'last_accessed_at' then e.last_accessed_at end end,
      case when is_down then case by_time when 'updated_at' then e.updated_at when 'created_at' then e.created_at
        when 'last_accessed_at' then e.last_accessed_at end end desc,
      case when not is_down then e.name collate "C" end, case when is_down then e.name collate "C" end desc
    offset offsets limit limits;
end
$function$
;
alter function storage.search(text,text,integer,integer,integer,text,text,text) owner to platform_internal;

CREATE OR REPLACE FUNCTION storage.update_updated_at_column()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.updated_at := pg_catalog.now();
  return new;
end
$function$
;
alter function storage.update_updated_at_column() owner to platform_internal;

grant execute on function auth.email() to public;

grant execute on function auth.jwt() to public;

grant execute on function auth.role() to public;

grant execute on function auth.uid() to public;

grant execute on function realtime.add_probes(text,text[]) to anon;

grant execute on function realtime.add_probes(text,text[]) to authenticated;

grant execute on function realtime.add_probes(text,text[]) to service_role;

grant execute on function realtime.broadcast_changes(text,text,text,text,text,record,record,text) to public;

grant execute on function realtime.judge(text,text[],boolean,boolean) to anon;

grant execute on function realtime.judge(text,text[],boolean,boolean) to authenticated;

grant execute on function realtime.judge(text,text[],boolean,boolean) to service_role;

grant execute on function realtime.send(jsonb,text,text,boolean) to public;

grant execute on function realtime.send_binary(bytea,text,text,boolean) to public;

grant execute on function realtime.topic() to public;

grant execute on function storage.after_prefix(text) to public;

grant execute on function storage.extension(text) to public;

grant execute on function storage.filename(text) to public;

grant execute on function storage.foldername(text) to public;

grant execute on function storage.get_size_by_bucket() to public;

grant execute on function storage.list_objects_with_delimiter(text,text,text,integer,text,text,text) to public;

grant execute on function storage.operation() to public;

grant execute on function storage.search(text,text,integer,integer,integer,text,text,text) to public;

grant execute on function storage.update_updated_at_column() to public;

grant usage on schema auth to anon;

grant usage on schema auth to authenticated;

grant usage on schema auth to project_owner;

grant usage on schema auth to service_role;

grant usage on schema auth to supabase_auth_admin;

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

grant usage on schema public to supabase_auth_admin;

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

grant delete on auth.flow_state to project_owner;

grant insert on auth.flow_state to project_owner;

grant references on auth.flow_state to project_owner;

grant select on auth.flow_state to project_owner;

grant trigger on auth.flow_state to project_owner;

grant update on auth.flow_state to project_owner;

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

grant delete on auth.one_time_tokens to project_owner;

grant insert on auth.one_time_tokens to project_owner;

grant references on auth.one_time_tokens to project_owner;

grant select on auth.one_time_tokens to project_owner;

grant trigger on auth.one_time_tokens to project_owner;

grant update on auth.one_time_tokens to project_owner;

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

grant insert on realtime.messages to anon;

grant select on realtime.messages to anon;

grant update on realtime.messages to anon;

grant insert on realtime.messages to authenticated;

grant select on realtime.messages to authenticated;

grant update on realtime.messages to authenticated;

grant insert on realtime.messages to service_role;

grant select on realtime.messages to service_role;

grant update on realtime.messages to service_role;

grant delete on storage.buckets to anon;

grant insert on storage.buckets to anon;

grant maintain on storage.buckets to anon;

grant references on storage.buckets to anon;

grant select on storage.buckets to anon;

grant trigger on storage.buckets to anon;

grant truncate on storage.buckets to anon;

grant update on storage.buckets to anon;

grant delete on storage.buckets to authenticated;

grant insert on storage.buckets to authenticated;

grant maintain on storage.buckets to authenticated;

grant references on storage.buckets to authenticated;

grant select on storage.buckets to authenticated;

grant trigger on storage.buckets to authenticated;

grant truncate on storage.buckets to authenticated;

grant update on storage.buckets to authenticated;

grant delete on storage.buckets to service_role;

grant insert on storage.buckets to service_role;

grant maintain on storage.buckets to service_role;

grant references on storage.buckets to service_role;

grant select on storage.buckets to service_role;

grant trigger on storage.buckets to service_role;

grant truncate on storage.buckets to service_role;

grant update on storage.buckets to service_role;

grant delete on storage.objects to anon;

grant insert on storage.objects to anon;

grant maintain on storage.objects to anon;

grant references on storage.objects to anon;

grant select on storage.objects to anon;

grant trigger on storage.objects to anon;

grant truncate on storage.objects to anon;

grant update on storage.objects to anon;

grant delete on storage.objects to authenticated;

grant insert on storage.objects to authenticated;

grant maintain on storage.objects to authenticated;

grant references on storage.objects to authenticated;

grant select on storage.objects to authenticated;

grant trigger on storage.objects to authenticated;

grant truncate on storage.objects to authenticated;

grant update on storage.objects to authenticated;

grant delete on storage.objects to service_role;

grant insert on storage.objects to service_role;

grant maintain on storage.objects to service_role;

grant references on storage.objects to service_role;

grant select on storage.objects to service_role;

grant trigger on storage.objects to service_role;

grant truncate on storage.objects to service_role;

grant update on storage.objects to service_role;

grant select on storage.s3_multipart_uploads to anon;

grant select on storage.s3_multipart_uploads to authenticated;

grant select on storage.s3_multipart_uploads to project_owner;

grant delete on storage.s3_multipart_uploads to service_role;

grant insert on storage.s3_multipart_uploads to service_role;

grant maintain on storage.s3_multipart_uploads to service_role;

grant references on storage.s3_multipart_uploads to service_role;

grant select on storage.s3_multipart_uploads to service_role;

grant trigger on storage.s3_multipart_uploads to service_role;

grant truncate on storage.s3_multipart_uploads to service_role;

grant update on storage.s3_multipart_uploads to service_role;

grant select on storage.s3_multipart_uploads_parts to anon;

grant select on storage.s3_multipart_uploads_parts to authenticated;

grant select on storage.s3_multipart_uploads_parts to project_owner;

grant delete on storage.s3_multipart_uploads_parts to service_role;

grant insert on storage.s3_multipart_uploads_parts to service_role;

grant maintain on storage.s3_multipart_uploads_parts to service_role;

grant references on storage.s3_multipart_uploads_parts to service_role;

grant select on storage.s3_multipart_uploads_parts to service_role;

grant trigger on storage.s3_multipart_uploads_parts to service_role;

grant truncate on storage.s3_multipart_uploads_parts to service_role;

grant update on storage.s3_multipart_uploads_parts to service_role;

create publication supabase_realtime; alter publication supabase_realtime owner to project_owner;

create publication supabase_realtime_messages_publication; alter publication supabase_realtime_messages_publication owner to platform_internal; alter publication supabase_realtime_messages_publication add table realtime.messages;
