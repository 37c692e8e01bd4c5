-- What each bucket of each project takes up, counted by the servers: a project's own database cannot be asked, since its owner can write to it.

create table storage_usage (
  ref text not null references projects on delete cascade,
  bucket_id text not null,
  bytes bigint not null default 0,
  objects bigint not null default 0,
  -- the last change; what changed since the last sweep is looked through again
  changed_at timestamptz not null default now(),
  swept_at timestamptz,
  primary key (ref, bucket_id)
);
