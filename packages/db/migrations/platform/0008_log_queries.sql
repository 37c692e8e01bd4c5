-- What people keep of their looking through a project's log: the conditions of a search, under a name.

create table saved_log_queries (
  id uuid primary key default uuidv7(),
  ref text not null references projects on delete cascade,
  name text not null,
  conditions jsonb not null,
  last_minutes integer not null,
  created_by uuid references accounts on delete set null,
  created_at timestamptz not null default now()
);
create unique index saved_log_queries_ref_name_idx on saved_log_queries (ref, lower(name));
