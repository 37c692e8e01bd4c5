-- The logs of all projects, in a database of their own: what one server process heard of one project in a moment is one row, its
-- lines standing side by side in arrays. Written by COPY, read by `unnest`; a day is a partition.

create schema logs;

-- Numbers instead of refs: four bytes in every row and index entry.
create table logs.projects (
  number integer generated always as identity primary key,
  ref text not null unique,
  created_at timestamptz not null default now()
);

create table logs.segments (
  id bigint generated always as identity,
  project integer not null,
  -- times of the first and the last line; never more than ten seconds apart
  from_at timestamptz not null,
  to_at timestamptz not null,
  lines integer not null,
  -- what the row takes, roughly
  size integer not null,
  -- which levels and services have lines in it, as bits
  levels smallint not null,
  services integer not null,
  -- the lines; an array that would have nothing but nulls is null itself
  at timestamptz[] not null,
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
  -- JSON texts
  fields text[]
) partition by range (to_at);

create index segments_project_to_at_idx on logs.segments (project, to_at, id);

-- Written uncompressed: compressing takes twice as long as all the rest of writing.
alter table logs.segments
  alter at set storage external, alter level set storage external, alter service set storage external,
  alter request_id set storage external, alter user_id set storage external, alter ip set storage external,
  alter method set storage external, alter path set storage external, alter status set storage external,
  alter duration_ms set storage external, alter bytes set storage external, alter message set storage external,
  alter fields set storage external;

-- Makes the partition of a day (UTC), if it is not there. Whoever is second waits for the first.
create function logs.add_day(day date) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
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
$$;
