-- What policies and apps call: the parts of an object's name, the operation that is being judged, and listings by folder.

create function storage.foldername(name text) returns text[]
language sql immutable parallel safe
as $$
  select parts[1:pg_catalog.array_length(parts, 1) operator(pg_catalog.-) 1]
  from (select pg_catalog.string_to_array(foldername.name, '/') as parts) as split
$$;

create function storage.filename(name text) returns text
language sql immutable parallel safe
as $$
  select parts[pg_catalog.array_length(parts, 1)]
  from (select pg_catalog.string_to_array(filename.name, '/') as parts) as split
$$;

create function storage.extension(name text) returns text
language sql immutable parallel safe
as $$
  select pg_catalog.reverse(pg_catalog.split_part(pg_catalog.reverse(storage.filename(extension.name)), '.', 1))
$$;

-- which call of the API a policy is asked about, for example `storage.object.upload`
create function storage.operation() returns text
language sql stable parallel safe
as $$
  select pg_catalog.current_setting('storage.operation', true)
$$;

create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text)
language sql stable
as $$
  select pg_catalog.sum((o.metadata operator(pg_catalog.->>) 'size')::bigint)::bigint, o.bucket_id from storage.objects o group by o.bucket_id
$$;

-- The first text after every text that begins with this one, in the order of bytes; null where there is none.
create function storage.after_prefix(prefix text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
  code integer;
begin
  for position in reverse length(prefix)..1 loop
    code := ascii(substr(prefix, position, 1));
    if code < 1114111 then
      -- what lies between 55295 and 57344 are halves of characters
      return left(prefix, position - 1) || chr(case when code = 55295 then 57344 else code + 1 end);
    end if;
  end loop;
  return null;
end
$$;

-- What lies directly under a prefix: objects, and folders without an id, by name. Looks each folder up once and jumps over what is in
-- it, so that a page costs as much as its length, whatever the bucket holds. Row security judges by the caller.
create function storage.list_objects_with_delimiter(
  bucket_id text, prefix_param text, delimiter_param text, max_keys integer default 100, start_after text default '',
  next_token text default '', sort_order text default 'asc'
) returns table (name text, id uuid, metadata jsonb, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  wanted constant text := coalesce(prefix_param, '');
  is_down constant boolean := lower(coalesce(sort_order, 'asc')) = 'desc';
  ending constant text := storage.after_prefix(wanted);
  low text := wanted;
  high text := ending;
  after constant text := coalesce(nullif(next_token, ''), nullif(start_after, ''));
  found record;
  cut integer;
  folder text;
  given integer := 0;
begin
  if after is not null and is_down then
    high := case when high is null or after collate "C" < high then after else high end;
  elsif after is not null and after collate "C" >= wanted then
    cut := position(delimiter_param in substr(after, length(wanted) + 1));
    -- behind a whole folder, also when the text names something within it
    low := case
      when starts_with(after, wanted) and cut > 0 then storage.after_prefix(left(after, length(wanted) + cut + length(delimiter_param) - 1))
      else after || chr(1) end;
  end if;
  while given < max_keys loop
    if low is null then
      return;
    end if;
    folder := null;
    for found in
      select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o
      where o.bucket_id = list_objects_with_delimiter.bucket_id and not is_down
        and o.name collate "C" >= low and (high is null or o.name collate "C" < high)
      order by o.name collate "C" limit (max_keys - given)
    loop
      cut := position(delimiter_param in substr(found.name, length(wanted) + 1));
      if cut > 0 then
        folder := left(found.name, length(wanted) + cut + length(delimiter_param) - 1);
        exit;
      end if;
      return query select found.name, found.id, found.metadata, found.updated_at, found.created_at, found.last_accessed_at;
      given := given + 1;
      low := found.name || chr(1);
    end loop;
    if is_down then
      for found in
        select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects o
        where o.bucket_id = list_objects_with_delimiter.bucket_id
          and o.name collate "C" >= wanted and (high is null or o.name collate "C" < high)
        order by o.name collate "C" desc limit (max_keys - given)
      loop
        cut := position(delimiter_param in substr(found.name, length(wanted) + 1));
        if cut > 0 then
          folder := left(found.name, length(wanted) + cut + length(delimiter_param) - 1);
          exit;
        end if;
        return query select found.name, found.id, found.metadata, found.updated_at, found.created_at, found.last_accessed_at;
        given := given + 1;
        high := found.name;
      end loop;
    end if;
    if folder is null then
      return;
    end if;
    return query select folder, null::uuid, null::jsonb, null::timestamptz, null::timestamptz, null::timestamptz;
    given := given + 1;
    low := storage.after_prefix(folder);
    high := case when is_down then folder else high end;
  end loop;
end
$$;

-- What lies directly in a folder (`prefix` ends with a slash, or is empty), names without the folder's. Folders have no id. With a
-- search, only what begins with it, in either case. By time, folders come first.
create function storage.search(
  prefix text, bucketname text, limits integer default 100, levels integer default 1, offsets integer default 0,
  search text default '', sortcolumn text default 'name', sortorder text default 'asc'
) returns table (name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  wanted constant text := coalesce(prefix, '');
  ending constant text := storage.after_prefix(wanted);
  sought constant text := lower(coalesce(search, ''));
  is_down constant boolean := lower(coalesce(sortorder, 'asc')) = 'desc';
  by_time constant text := case when lower(sortcolumn) in ('updated_at', 'created_at', 'last_accessed_at') then lower(sortcolumn) end;
begin
  if by_time is null and sought = '' then
    return query
      select rtrim(substr(l.name, length(wanted) + 1), '/'), l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata
      from storage.list_objects_with_delimiter(bucketname, wanted, '/', limits + offsets, '', '', sortorder) with ordinality
        as l (name, id, metadata, updated_at, created_at, last_accessed_at, place)
      order by l.place offset offsets limit limits;
    return;
  end if;
  return query
    with under as (
      select substr(o.name, length(wanted) + 1) as rest, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
      from storage.objects o
      where o.bucket_id = bucketname and o.name collate "C" >= wanted and (ending is null or o.name collate "C" < ending)
        and starts_with(lower(substr(o.name, length(wanted) + 1)), sought)
    ), entries as (
      select distinct split_part(u.rest, '/', 1) as name, null::uuid as id, null::timestamptz as updated_at, null::timestamptz as created_at,
        null::timestamptz as last_accessed_at, null::jsonb as metadata
      from under u where position('/' in u.rest) > 0
      union all
      select u.* from under u where position('/' in u.rest) = 0
    )
    select e.* from entries e
    order by
      case when by_time is not null then e.id is not null end,
      case when not is_down then case by_time when 'updated_at' then e.updated_at when 'created_at' then e.created_at
        when 'last_accessed_at' then e.last_accessed_at end end,
      case when is_down then case by_time when 'updated_at' then e.updated_at when 'created_at' then e.created_at
        when 'last_accessed_at' then e.last_accessed_at end end desc,
      case when not is_down then e.name collate "C" end, case when is_down then e.name collate "C" end desc
    offset offsets limit limits;
end
$$;

grant execute on all functions in schema storage to public;
