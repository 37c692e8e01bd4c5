-- Organizations: accounts grouped, with a role each, and the invitations that bring people in.

create table organizations (
  id uuid primary key default uuidv7(),
  name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table access_tokens add foreign key (organization_id) references organizations on delete cascade;

create table members (
  organization_id uuid not null references organizations on delete cascade,
  account_id uuid not null references accounts on delete cascade,
  role text not null check (role in ('owner', 'administrator', 'developer', 'viewer')),
  created_at timestamptz not null default now(),
  primary key (organization_id, account_id)
);
create index members_account_id_idx on members (account_id);

create table invitations (
  id uuid primary key default uuidv7(),
  organization_id uuid not null references organizations on delete cascade,
  email text not null,
  role text not null check (role in ('owner', 'administrator', 'developer', 'viewer')),
  token_hash bytea not null unique,
  invited_by uuid references accounts on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz
);
create index invitations_organization_id_idx on invitations (organization_id);
