-- Broadcasts that a project sends from its database, and what private channels are judged by: realtime.messages, a partition for each
-- day and one for whatever has no day yet. It belongs to the project's owner, since only a table's owner can write policies on it.

create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default (pg_catalog.now() at time zone 'utc'),
  inserted_at timestamp not null default (pg_catalog.now() at time zone 'utc'),
  id uuid not null default pg_catalog.gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

create table realtime.messages_default partition of realtime.messages default;
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

grant create on schema realtime to project_owner;
alter table realtime.messages owner to project_owner;
revoke create on schema realtime from project_owner;

-- Projects of a template without the publication hear their messages by other means.
do $$
begin
  if exists (select from pg_catalog.pg_publication where pubname operator(pg_catalog.=) 'supabase_realtime_messages_publication') then
    alter publication supabase_realtime_messages_publication add table realtime.messages;
  end if;
end
$$;

-- the topic of the channel that a policy is asked about
create function realtime.topic() returns text
language sql stable
as $$
  select case when pg_catalog.current_setting('realtime.topic', true) operator(pg_catalog.<>) ''
    then pg_catalog.current_setting('realtime.topic', true) end
$$;

-- Sending runs as whoever sends, whom policies judge. A failure is a warning: the transaction that wanted to tell is worth more.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql
as $$
declare
  message_id constant uuid := pg_catalog.gen_random_uuid();
begin
  if pg_catalog.jsonb_typeof(payload) operator(pg_catalog.=) 'object' and not payload operator(pg_catalog.?) 'id' then
    payload := pg_catalog.jsonb_set(payload, '{id}', pg_catalog.to_jsonb(message_id));
  end if;
  perform pg_catalog.set_config('realtime.topic', topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

create function realtime.send_binary(payload bytea, event text, topic text, private boolean default true) returns void
language plpgsql
as $$
begin
  perform pg_catalog.set_config('realtime.topic', topic, true);
  insert into realtime.messages (binary_payload, event, topic, private, extension) values (payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

-- for triggers: tells a topic of a row that was inserted, updated or deleted
create function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text, new record, old record, level text default 'ROW'
) returns void
language plpgsql
as $$
begin
  if level operator(pg_catalog.=) 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation operator(pg_catalog.<>) all (array['INSERT', 'UPDATE', 'DELETE']) then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    pg_catalog.jsonb_build_object(
      'old_record', old, 'record', new, 'operation', operation, 'table', table_name, 'schema', table_schema),
    event_name, topic_name);
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end
$$;

-- Rows for policies to be asked about, one for each extension. They are nothing to send, and never stay: see realtime.judge.
create function realtime.add_probes(topic text, extensions text[]) returns uuid[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  ids uuid[];
begin
  -- only realtime.judge asks in such a way; the rows are made for whoever may call it
  if current_setting('realtime.judging', true) is distinct from topic then
    raise insufficient_privilege using message = 'Channels are judged by realtime.judge.';
  end if;
  with added as (
    insert into realtime.messages (topic, extension) select add_probes.topic, unnest(extensions) returning id
  )
  select array_agg(id) into ids from added;
  return ids;
end
$$;

-- What the policies on realtime.messages allow the caller on a private channel: `read.broadcast`, `write.presence` and so on. Leaves
-- no row: what is inserted to be judged is undone with the block that it is inserted in.
create function realtime.judge(topic text, extensions text[], reads boolean, writes boolean) returns text[]
language plpgsql
as $$
declare
  allowed text[] := '{}';
  seen text[];
  probes uuid[];
  kind text;
begin
  perform pg_catalog.set_config('realtime.topic', topic, true), pg_catalog.set_config('realtime.judging', topic, true);
  if reads then
    begin
      probes := realtime.add_probes(topic, extensions);
      select pg_catalog.array_agg('read.' operator(pg_catalog.||) m.extension) into seen from realtime.messages m
        where m.id operator(pg_catalog.=) any (probes)
          and m.inserted_at operator(pg_catalog.=) (pg_catalog.now() at time zone 'utc');
      raise exception using errcode = 'PLR01';
    exception when sqlstate 'PLR01' then
      allowed := allowed operator(pg_catalog.||) coalesce(seen, '{}');
    end;
  end if;
  if writes then
    foreach kind in array extensions loop
      begin
        insert into realtime.messages (topic, extension) values (topic, kind);
        raise exception using errcode = 'PLR01';
      exception
        when sqlstate 'PLR01' then
          allowed := pg_catalog.array_append(allowed, 'write.' operator(pg_catalog.||) kind);
        when insufficient_privilege then
          null;
      end;
    end loop;
  end if;
  return allowed;
end
$$;

-- Makes the partitions of the next days and drops those older than three; the platform calls it while a project has listeners.
create function realtime.maintain_messages(today date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
  day date;
  name text;
begin
  for ahead in 0..3 loop
    day := today + ahead;
    name := 'messages_' || to_char(day, 'YYYY_MM_DD');
    -- a day that has rows elsewhere stays there
    continue when to_regclass('realtime.' || name) is not null
      or exists (select from realtime.messages_default d where d.inserted_at >= day and d.inserted_at < day + 1);
    execute format('create table realtime.%I (like realtime.messages including all)', name);
    execute format('alter table realtime.messages attach partition realtime.%I for values from (%L) to (%L)', name, day, day + 1);
  end loop;
  for name in
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'realtime.messages'::regclass and c.relname ~ '^messages_\d{4}_\d\d_\d\d$'
      and to_date(right(c.relname, 10), 'YYYY_MM_DD') < today - 3
  loop
    execute format('drop table realtime.%I', name);
  end loop;
  delete from realtime.messages_default where inserted_at < today - 3;
end
$$;

revoke execute on function realtime.add_probes, realtime.judge, realtime.maintain_messages from public;
grant execute on function realtime.add_probes, realtime.judge to anon, authenticated, service_role;
