-- What was changed, by whom and from where; written in the transaction that changes it, never updated.

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  account_id uuid references accounts on delete set null,
  -- e-mail at that time, so that the entry stays readable when the account is gone
  actor text,
  token_id uuid,
  organization_id uuid references organizations on delete cascade,
  ref text,
  action text not null,
  target text,
  details jsonb not null default '{}',
  ip text,
  request_id text
);
create index audit_log_organization_id_idx on audit_log (organization_id, id desc);
create index audit_log_ref_idx on audit_log (ref, id desc) where ref is not null;
create index audit_log_account_id_idx on audit_log (account_id, id desc);

create table installation_settings (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
