-- What policies ask: auth.uid(), auth.role(), auth.email(), auth.jwt(). Plain SQL and stable, so that the planner inlines them.
-- Every name and operator is qualified, and nullif() and case-with-a-value are avoided because they look their = up in the
-- session's search_path: a policy must not change its answer when a session's search_path does.

create function auth.jwt() returns pg_catalog.jsonb
language sql stable parallel safe
as $$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) end
  )::pg_catalog.jsonb
$$;

create function auth.uid() returns pg_catalog.uuid
language sql stable parallel safe
as $$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.sub'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.sub'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'sub'::pg_catalog.text end
  )::pg_catalog.uuid
$$;

create function auth.role() returns pg_catalog.text
language sql stable parallel safe
as $$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.role'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.role'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'role'::pg_catalog.text end
  )
$$;

create function auth.email() returns pg_catalog.text
language sql stable parallel safe
as $$
  select coalesce(
    case when pg_catalog.current_setting('request.jwt.claim.email'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claim.email'::pg_catalog.text, true) end,
    case when pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true) operator(pg_catalog.<>) ''::pg_catalog.text
      then pg_catalog.current_setting('request.jwt.claims'::pg_catalog.text, true)::pg_catalog.jsonb
        operator(pg_catalog.->>) 'email'::pg_catalog.text end
  )
$$;

comment on function auth.uid() is 'Deprecated. Use auth.jwt() -> ''sub'' instead.';
comment on function auth.role() is 'Deprecated. Use auth.jwt() -> ''role'' instead.';
comment on function auth.email() is 'Deprecated. Use auth.jwt() -> ''email'' instead.';

-- Everyone may call the functions; only the project's owner sees the tables. The data API's roles do not, as in Supabase.
grant usage on schema auth to anon, authenticated, service_role, project_owner;
grant execute on function auth.jwt(), auth.uid(), auth.role(), auth.email() to public;

grant select on all tables in schema auth to project_owner with grant option;
grant insert, update, delete, references, trigger on all tables in schema auth to project_owner;
grant usage, select on all sequences in schema auth to project_owner;
grant usage on type auth.aal_level to project_owner;

-- Row security is on as in Supabase, where the owner's role bypasses it; here a policy lets the owner through.
do $$
declare
  name pg_catalog.text;
begin
  foreach name in array array['users', 'identities', 'sessions', 'refresh_tokens', 'mfa_amr_claims', 'audit_log_entries'] loop
    execute pg_catalog.format('alter table auth.%I enable row level security', name);
    execute pg_catalog.format('create policy project_owner on auth.%I to project_owner using (true) with check (true)', name);
  end loop;
end
$$;
