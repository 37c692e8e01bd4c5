-- The role model, once per cluster. Runs whenever its text has changed, so every statement may find its work done.

do $$
declare
  wanted record;
begin
  for wanted in
    select * from (values
      ('anon', 'nologin noinherit', ''),
      ('authenticated', 'nologin noinherit', ''),
      ('service_role', 'nologin noinherit', 'bypassrls'),
      -- owns auth, storage, realtime … in every project, and nothing that projects share
      ('platform_internal', 'nologin', ''),
      -- group: what a project's owner may do
      ('project_owner', 'nologin', ''),
      ('platform_ctl', 'login nosuperuser createdb createrole', 'bypassrls'),
      ('platform_repl', 'login', 'replication'),
      -- nobody is a member of these: they exist so that SQL written for Supabase finds them
      ('authenticator', 'nologin noinherit', ''),
      ('supabase_admin', 'nologin', ''),
      ('supabase_auth_admin', 'nologin noinherit', ''),
      ('supabase_storage_admin', 'nologin noinherit', ''),
      ('dashboard_user', 'nologin', '')
    ) as roles (name, attributes, attribute_of_superusers)
  loop
    if not exists (select from pg_roles where rolname = wanted.name) then
      begin
        execute format('create role %I %s %s', wanted.name, wanted.attributes, wanted.attribute_of_superusers);
      exception when insufficient_privilege then
        -- a managed server's administrator may not have it to give; the cluster's page says what is missing
        execute format('create role %I %s', wanted.name, wanted.attributes);
      end;
    end if;
  end loop;
end
$$;

-- the only admin option in the cluster; platform_ctl hands these roles on and uses none of them itself
grant anon, authenticated, service_role, project_owner, platform_internal to platform_ctl with admin option, inherit false, set false;
