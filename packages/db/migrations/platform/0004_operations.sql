-- Operations: work longer than a request, as rows that survive any crash; and the server processes that run them.

create table operations (
  id uuid primary key default uuidv7(),
  kind text not null,
  ref text not null,
  organization_id uuid references organizations on delete set null,
  account_id uuid references accounts on delete set null,
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'undoing', 'failed')),
  -- [{ name, title, status, startedAt, finishedAt }] in order
  steps jsonb not null default '[]',
  input jsonb not null default '{}',
  attempt integer not null default 0,
  error jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz
);
create index operations_ref_idx on operations (ref, created_at desc);
create index operations_open_idx on operations (status) where status in ('queued', 'running', 'undoing');

-- A living process holds the session-level advisory lock of its row; a free lock says that it died.
create table server_processes (
  id uuid primary key default uuidv7(),
  lock_key bigint generated always as identity unique,
  worker_id text not null unique,
  host text not null,
  pid integer not null,
  started_at timestamptz not null default now()
);
