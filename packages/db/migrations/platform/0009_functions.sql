-- Functions of projects: what serves, what served before, their secrets, schedules and calls. Their bodies are files of the project.

create table functions (
  id uuid primary key default uuidv7(),
  ref text not null references projects on delete cascade,
  name text not null,
  verify_jwt boolean not null default true,
  -- the version that serves; a function without one is only just being deployed for the first time
  version integer not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (ref, name)
);

create table function_versions (
  function_id uuid not null references functions on delete cascade,
  version integer not null,
  entrypoint text not null,
  import_map text,
  -- sha256 of the bundle, hex
  digest text not null,
  source_bytes integer not null,
  bundle_bytes integer not null,
  bundle_ms integer not null,
  boot_ms integer not null,
  message text,
  deployed_by text,
  created_at timestamptz not null default now(),
  primary key (function_id, version)
);

create table function_secrets (
  ref text not null references projects on delete cascade,
  name text not null,
  -- sealed as those of project_secrets are
  value bytea not null,
  digest text not null,
  updated_at timestamptz not null default now(),
  primary key (ref, name)
);

create table function_schedules (
  id uuid primary key default uuidv7(),
  ref text not null references projects on delete cascade,
  title text not null,
  name text not null,
  cron text not null,
  time_zone text not null,
  method text not null,
  path text not null,
  body text,
  missed_runs text not null check (missed_runs in ('skip', 'once')),
  is_enabled boolean not null,
  -- null while it is off
  next_at timestamptz,
  created_at timestamptz not null default now()
);
create index function_schedules_ref_idx on function_schedules (ref);
create index function_schedules_next_at_idx on function_schedules (next_at) where next_at is not null;

create table function_schedule_runs (
  id bigint generated always as identity primary key,
  schedule_id uuid not null references function_schedules on delete cascade,
  due_at timestamptz not null,
  at timestamptz not null default now(),
  status integer not null,
  duration_ms real not null,
  request_id text not null,
  missed integer not null,
  error text
);
create index function_schedule_runs_schedule_id_idx on function_schedule_runs (schedule_id, id desc);

create table function_invocations (
  id bigint generated always as identity primary key,
  ref text not null,
  at timestamptz not null,
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
create index function_invocations_ref_idx on function_invocations (ref, id desc);
create index function_invocations_at_idx on function_invocations using brin (at);

-- Calls by the minute, so that counting them never reads the calls.
create table function_call_counts (
  ref text not null,
  name text not null,
  minute timestamptz not null,
  calls integer not null,
  errors integer not null,
  primary key (ref, name, minute)
);
