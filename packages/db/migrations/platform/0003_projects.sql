-- Projects, their secrets (always encrypted), and the clusters that their databases stand on.

create table clusters (
  id uuid primary key default uuidv7(),
  name text not null unique,
  kind text not null check (kind in ('embedded', 'external')),
  region text not null default 'local',
  -- encrypted connection URL of an external cluster's administrator; null for the embedded one
  admin_url bytea,
  server_version text,
  walls jsonb not null default '[]',
  accepts_projects boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table projects (
  ref text primary key check (ref ~ '^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$'),
  organization_id uuid not null references organizations,
  cluster_id uuid not null references clusters,
  name text not null,
  plan text not null default 'shared' check (plan in ('shared', 'dedicated')),
  status text not null check (status in
    ('provisioning', 'starting', 'active', 'pausing', 'paused', 'resuming', 'restoring', 'moving', 'deleting', 'failed')),
  status_reason text,
  retryable boolean not null default false,
  region text not null default 'local',
  database_name text not null unique,
  -- checksum of the migrations that its database has; older than the code's means: migrate before serving
  ledger text,
  settings jsonb not null default '{}',
  created_by uuid references accounts on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index projects_organization_id_idx on projects (organization_id);

-- A ref is never given twice, also not after its project is gone: tokens and roles of old may still name it.
create table retired_refs (
  ref text primary key,
  retired_at timestamptz not null default now()
);

create table project_secrets (
  ref text not null references projects on delete cascade,
  name text not null,
  -- AES-256-GCM: version byte, 12-byte nonce, ciphertext, 16-byte tag; bound to ref and name
  value bytea not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (ref, name)
);
