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
      -- makes databases; roles are made for it by the functions of provisioning.sql
      ('platform_ctl', 'login nosuperuser createdb', ''),
      ('platform_repl', 'login', 'replication'),
      -- runs the hooks of a project's auth service: what it may do is what the project grants it
      ('supabase_auth_admin', 'nologin noinherit', ''),
      -- nobody is a member of these: they exist so that SQL written for Supabase finds them
      ('authenticator', 'nologin noinherit', ''),
      ('supabase_admin', 'nologin', ''),
      ('supabase_storage_admin', 'nologin noinherit', ''),
      ('supabase_realtime_admin', 'nologin noinherit', ''),
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

-- What platform_ctl could do in clusters of earlier versions, where it made the roles of projects itself. A server's administrator
-- reaches those as a member of platform_ctl; a superuser takes them over.
do $$
declare
  control constant oid := 'platform_ctl'::regrole;
  given record;
begin
  if exists (select from pg_roles where oid = control and rolcreaterole) then
    alter role platform_ctl nocreaterole;
  end if;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    return;
  end if;
  alter role platform_ctl nobypassrls;
  for given in select roleid::regrole as role, member::regrole as member, inherit_option::text as inherit, set_option::text as set
    from pg_auth_members where grantor = control
  loop
    execute format('grant %s to %s with inherit %s, set %s', given.role, given.member, given.inherit, given.set);
  end loop;
  for given in select distinct roleid::regrole as role from pg_auth_members where member = control and admin_option loop
    execute format('revoke %s from platform_ctl cascade', given.role);
  end loop;
end
$$;

-- Tables that a project writes policies on belong to project_owner; the platform makes them, and migrates them later.
grant project_owner to platform_internal with inherit true, set true;

-- Projects of earlier versions, whose logins were made before hooks ran.
do $$
declare
  login record;
begin
  for login in
    select r.oid::regrole as role from pg_roles r
    where r.rolname ~ '^project_.*_authenticator$' and r.rolcanlogin and not exists (
      select from pg_auth_members m where m.member = r.oid and m.roleid = 'supabase_auth_admin'::regrole
    )
  loop
    execute format('grant supabase_auth_admin to %s with inherit false, set true', login.role);
  end loop;
end
$$;
