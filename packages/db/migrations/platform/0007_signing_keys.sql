-- The keys that projects' tokens are signed with. One signs (in_use); the others verify until they are revoked.

create table signing_keys (
  ref text not null references projects on delete cascade,
  kid text not null check (kid <> '' and char_length(kid) <= 200),
  algorithm text not null check (algorithm in ('HS256', 'ES256', 'RS256')),
  status text not null check (status in ('standby', 'in_use', 'previously_used', 'revoked')),
  is_imported boolean not null default false,
  -- the public half; null for a shared secret
  public_jwk jsonb,
  -- the private JWK or the shared secret, sealed as `signing_key <kid>`; null for the one whose secret is the project's jwt_secret
  private_key bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (ref, kid)
);
create unique index signing_keys_in_use_idx on signing_keys (ref) where status = 'in_use';
create unique index signing_keys_standby_idx on signing_keys (ref) where status = 'standby';
create unique index signing_keys_jwt_secret_idx on signing_keys (ref) where private_key is null;

insert into signing_keys (ref, kid, algorithm, status)
select ref, gen_random_uuid()::text, 'HS256', 'in_use' from project_secrets where name = 'jwt_secret';
