-- The ground of every project database, before its ledger: schemas, extensions and who may use them.

alter schema public owner to project_owner;
revoke all on schema public from public;
grant usage on schema public to anon, authenticated, service_role, supabase_auth_admin;

create schema extensions;
grant usage on schema extensions to public;
grant create on schema extensions to project_owner;
create extension pgcrypto schema extensions;
create extension "uuid-ossp" schema extensions;
-- finds users by a part of their address
create extension pg_trgm schema extensions;

-- The names of Supabase's schemas are taken from the start: a project cannot put its own code where the platform will look.
do $$
declare
  name text;
begin
  foreach name in array array['polder', 'auth', 'storage', 'realtime', '_realtime', 'vault', 'graphql', 'graphql_public', 'cron', 'net',
    'pgbouncer', 'pgmq', 'pgsodium', 'pgsodium_masks', 'supabase_functions', 'functions', 'webhooks', 'logs', 'analytics', '_analytics'] loop
    execute format('create schema %I authorization platform_internal', name);
  end loop;
end
$$;

grant usage on schema auth, storage, realtime to project_owner, anon, authenticated, service_role;
grant usage on schema auth to supabase_auth_admin;
grant usage on schema graphql_public to project_owner, anon, authenticated, service_role;
grant usage on schema vault, cron, net, supabase_functions, webhooks to project_owner;

-- `alter publication supabase_realtime add table …` stands in many a migration. A publication's owner must be able to make one at
-- the moment it becomes its owner; copies of this database do not inherit that right.
create publication supabase_realtime;
create publication supabase_realtime_messages_publication with (publish = 'insert', publish_via_partition_root = true);
do $$
begin
  execute format('grant create on database %I to project_owner, platform_internal', current_database());
  alter publication supabase_realtime owner to project_owner;
  alter publication supabase_realtime_messages_publication owner to platform_internal;
  execute format('revoke create on database %I from project_owner, platform_internal', current_database());
end
$$;
