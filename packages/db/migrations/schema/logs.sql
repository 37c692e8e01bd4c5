create schema logs authorization platform_ctl;

create schema polder authorization platform_ctl;

create schema public authorization pg_database_owner;

create table logs.projects (
  number integer not null generated always as identity,
  ref text not null,
  created_at timestamp with time zone not null default now()
);

alter table logs.projects add constraint projects_pkey PRIMARY KEY (number);

alter table logs.projects add constraint projects_ref_key UNIQUE (ref);

alter table logs.projects owner to platform_ctl;

create table logs.segments (
  id bigint not null generated always as identity,
  project integer not null,
  from_at timestamp with time zone not null,
  to_at timestamp with time zone not null,
  lines integer not null,
  size integer not null,
  levels smallint not null,
  services integer not null,
  at timestamp with time zone[] not null,
  level smallint[] not null,
  service smallint[] not null,
  request_id text[],
  user_id text[],
  ip text[],
  method text[],
  path text[],
  status smallint[],
  duration_ms real[],
  bytes integer[],
  message text[],
  fields text[]
);

CREATE INDEX segments_project_to_at_idx ON ONLY logs.segments USING btree (project, to_at, id);

alter table logs.segments owner to platform_ctl;

create table polder.migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now()
);

alter table polder.migrations add constraint migrations_pkey PRIMARY KEY (name);

alter table polder.migrations owner to platform_ctl;

CREATE OR REPLACE FUNCTION logs.add_day(day date)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  name constant text := 'segments_' || to_char(day, 'YYYY_MM_DD');
begin
  if to_regclass('logs.' || name) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(7305126, 413);
  if to_regclass('logs.' || name) is null then
    execute format('create table logs.%I partition of logs.segments for values from (%L) to (%L)',
      name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
  end if;
end
$function$
;
alter function logs.add_day(date) owner to platform_ctl;

grant execute on function logs.add_day(date) to public;

grant usage on schema public to public;
