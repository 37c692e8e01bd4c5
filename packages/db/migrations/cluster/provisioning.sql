-- All that platform_ctl can do to roles: it calls these functions, which run with the rights of whoever prepared the cluster.
-- Statements come from the templates below and nowhere else; what a caller gives is checked, then quoted.
-- Runs in every platform database, in one transaction, whenever its text has changed; the schema was dropped before.

create schema provisioning;
grant usage on schema provisioning to platform_ctl;

/* Names and checks; nobody but the functions below may call these. */

create function provisioning.to_group(ref text) returns text language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  -- the group of a project `owner` would be the group of all owners
  if ref is null or ref = 'owner' or ref collate "C" !~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$' then
    raise exception 'This cannot be the ref of a project.' using errcode = 'invalid_parameter_value';
  end if;
  return 'project_' || ref;
end
$$;

create function provisioning.require_verifier(verifier text) returns void language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  -- Postgres would take anything else for a password in clear
  if verifier is null or verifier collate "C" !~
    '^SCRAM-SHA-256[$][1-9][0-9]{0,6}:[A-Za-z0-9+/]{22}==[$][A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$'
  then
    raise exception 'This is not the verifier of a password.' using errcode = 'invalid_parameter_value';
  end if;
end
$$;

-- one at a time for each project, until the end of the transaction
create function provisioning.lock_project(project text) returns void language sql set search_path = pg_catalog, pg_temp as $$
  select pg_advisory_xact_lock(730512641, hashtext(project))
$$;

-- creates the role, or brings one that is there to the same state
create function provisioning.put_role(name text, attributes text, verifier text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from pg_roles where rolname = name) then
    execute format('alter role %I %s password %L; comment on role %1$I is null', name, attributes, verifier);
  else
    execute format('create role %I %s password %L', name, attributes, verifier);
  end if;
end
$$;

-- drops the role; one that another project's grants still name is made powerless instead
create function provisioning.drop_or_bury(name text) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  membership record;
begin
  begin
    execute format('drop role if exists %I', name);
    return;
  exception when dependent_objects_still_exist then
    null;
  end;
  execute format('alter role %I nologin password null connection limit 0; alter role %1$I reset all', name);
  for membership in
    select roleid::regrole as role, grantor::regrole as grantor from pg_auth_members where member = (select oid from pg_roles where rolname = name)
  loop
    execute format('revoke %s from %I granted by %s', membership.role, name, membership.grantor);
  end loop;
  execute format('comment on role %I is %L', name, 'tombstone');
end
$$;

/* What platform_ctl calls. */

-- The project's group and its four logins with their memberships and settings. A project's code can act with the rights of any of
-- them, so none reaches beyond its database.
create function provisioning.create_project_roles(
  ref text, owner_verifier text, authenticator_verifier text, platform_verifier text, backup_verifier text
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  project constant text := provisioning.to_group(ref);
  owner constant text := project || '_owner';
  authenticator constant text := project || '_authenticator';
  platform constant text := project || '_platform';
  backup constant text := project || '_backup';
  has_bypass constant boolean := (select rolsuper or rolbypassrls from pg_roles where rolname = current_user);
begin
  perform provisioning.require_verifier(owner_verifier), provisioning.require_verifier(authenticator_verifier),
    provisioning.require_verifier(platform_verifier), provisioning.require_verifier(backup_verifier);
  perform provisioning.lock_project(project);
  perform provisioning.put_role(project, 'nologin', null);
  perform provisioning.put_role(owner, 'login inherit connection limit 10', owner_verifier);
  perform provisioning.put_role(authenticator, 'login noinherit connection limit 40', authenticator_verifier);
  perform provisioning.put_role(platform, 'login inherit connection limit 20', platform_verifier);
  perform provisioning.put_role(
    backup, case when has_bypass then 'login inherit bypassrls connection limit 3' else 'login inherit connection limit 3' end, backup_verifier);
  execute format($sql$
    alter role %1$I set search_path = "$user", public, extensions;
    alter role %2$I set search_path = "$user", public, extensions;
    alter role %2$I set statement_timeout = '30s';
    alter role %2$I set idle_in_transaction_session_timeout = '60s';
    alter role %3$I set search_path = pg_catalog;
    alter role %3$I set lock_timeout = '5s';
    alter role %3$I set idle_in_transaction_session_timeout = '60s';
    alter role %4$I set search_path = pg_catalog;
  $sql$, owner, authenticator, platform, backup);
  -- these need a superuser's right, and so cannot be undone by the project
  if has_parameter_privilege('temp_file_limit', 'set') then
    execute format($sql$
      alter role %1$I set temp_file_limit = '1GB';
      alter role %1$I set log_min_messages = fatal;
      alter role %1$I set log_min_error_statement = panic;
      alter role %2$I set temp_file_limit = '256MB';
      alter role %2$I set log_min_messages = fatal;
      alter role %2$I set log_min_error_statement = panic;
      alter role %3$I set log_min_error_statement = panic;
    $sql$, owner, authenticator, platform);
  end if;
  -- Last, since it holds locks on the shared roles. The backup does not get pg_read_all_data, which reads the password verifiers of
  -- the whole cluster.
  execute format($sql$
    grant %1$I to %2$I, %3$I, %4$I, %5$I with inherit false, set false;
    grant %2$I to %5$I with inherit true, set false;
    grant anon, authenticated, service_role to %3$I, %2$I with inherit false, set true;
    grant supabase_auth_admin to %3$I with inherit false, set true;
    grant anon, authenticated, service_role to %5$I with inherit true, set false;
    grant project_owner to %2$I with inherit true, set true;
    grant platform_internal to %4$I with inherit true, set true;
  $sql$, project, owner, authenticator, platform, backup);
exception when query_canceled or others then
  -- raised anew, since the context of the first would tell the statement and with it a verifier
  raise exception using errcode = sqlstate, message = sqlerrm;
end
$$;

create function provisioning.set_project_password(ref text, login text, verifier text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  project constant text := provisioning.to_group(ref);
begin
  if login is null or login not in ('owner', 'authenticator', 'platform', 'backup') then
    raise exception 'A project has no such login.' using errcode = 'invalid_parameter_value';
  end if;
  perform provisioning.require_verifier(verifier);
  perform provisioning.lock_project(project);
  execute format('alter role %I password %L', project || '_' || login, verifier);
exception when query_canceled or others then
  raise exception using errcode = sqlstate, message = sqlerrm;
end
$$;

create function provisioning.drop_project_roles(ref text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  project constant text := provisioning.to_group(ref);
  names constant text[] := array[project || '_owner', project || '_authenticator', project || '_platform', project || '_backup', project];
  name text;
begin
  perform provisioning.lock_project(project);
  foreach name in array names loop
    perform provisioning.drop_or_bury(name);
  end loop;
end
$$;

-- those that nobody names any more
create function provisioning.drop_tombstones() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  tombstone record;
begin
  for tombstone in
    select r.oid, r.rolname as name from pg_shdescription d join pg_roles r on r.oid = d.objoid
    where d.classoid = 'pg_authid'::regclass and d.description = 'tombstone' and r.rolname ~ '^project_' and not r.rolcanlogin
    order by r.rolname
  loop
    perform provisioning.lock_project(regexp_replace(tombstone.name, '_(owner|authenticator|platform|backup)$', ''));
    -- its project may have been made again meanwhile
    continue when shobj_description(tombstone.oid, 'pg_authid') is distinct from 'tombstone';
    begin
      execute format('drop role if exists %I', tombstone.name);
    exception when dependent_objects_still_exist then
      null;
    end;
  end loop;
end
$$;

revoke all on all functions in schema provisioning from public;
grant execute on function provisioning.create_project_roles, provisioning.set_project_password, provisioning.drop_project_roles,
  provisioning.drop_tombstones to platform_ctl;
