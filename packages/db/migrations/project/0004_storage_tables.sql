-- Schema storage with the tables, columns and names that Supabase's storage service gives it: buckets, the objects in them, and
-- S3 uploads in parts. Bytes lie in the object store under an object's version; rows decide what there is and who may see it.
-- buckets and objects belong to the project's owner, since only a table's owner can write policies on it.

create table storage.buckets (
  id text not null,
  name text not null,
  owner uuid,
  created_at timestamptz default pg_catalog.now(),
  updated_at timestamptz default pg_catalog.now(),
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  owner_id text,
  constraint buckets_pkey primary key (id)
);

comment on column storage.buckets.owner is 'Field is deprecated, use owner_id instead';
create unique index bname on storage.buckets (name);

create table storage.objects (
  id uuid not null default pg_catalog.gen_random_uuid(),
  bucket_id text,
  name text,
  owner uuid,
  created_at timestamptz default pg_catalog.now(),
  updated_at timestamptz default pg_catalog.now(),
  last_accessed_at timestamptz default pg_catalog.now(),
  metadata jsonb,
  path_tokens text[] generated always as (pg_catalog.string_to_array(name, '/')) stored,
  version text,
  owner_id text,
  user_metadata jsonb,
  constraint objects_pkey primary key (id),
  constraint "objects_bucketId_fkey" foreign key (bucket_id) references storage.buckets (id)
);

comment on column storage.objects.owner is 'Field is deprecated, use owner_id instead';
create unique index bucketid_objname on storage.objects (bucket_id, name);
-- Listings read the names of a bucket in the order of their bytes.
create index idx_objects_bucket_id_name on storage.objects (bucket_id, (name collate "C"));

create table storage.s3_multipart_uploads (
  id text not null,
  in_progress_size bigint not null default 0,
  upload_signature text not null,
  bucket_id text not null,
  key text collate "C" not null,
  version text not null,
  owner_id text,
  created_at timestamptz not null default pg_catalog.now(),
  user_metadata jsonb,
  metadata jsonb,
  constraint s3_multipart_uploads_pkey primary key (id),
  constraint s3_multipart_uploads_bucket_id_fkey foreign key (bucket_id) references storage.buckets (id)
);

create index idx_multipart_uploads_list on storage.s3_multipart_uploads (bucket_id, key, created_at);

create table storage.s3_multipart_uploads_parts (
  id uuid not null default pg_catalog.gen_random_uuid(),
  upload_id text not null,
  size bigint not null default 0,
  part_number integer not null,
  bucket_id text not null,
  key text collate "C" not null,
  etag text not null,
  owner_id text,
  version text not null,
  created_at timestamptz not null default pg_catalog.now(),
  constraint s3_multipart_uploads_parts_pkey primary key (id),
  constraint s3_multipart_uploads_parts_part_key unique (upload_id, part_number),
  constraint s3_multipart_uploads_parts_bucket_id_fkey foreign key (bucket_id) references storage.buckets (id),
  constraint s3_multipart_uploads_parts_upload_id_fkey foreign key (upload_id) references storage.s3_multipart_uploads (id) on delete cascade
);

alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
alter table storage.s3_multipart_uploads enable row level security;
alter table storage.s3_multipart_uploads_parts enable row level security;

grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
grant select on storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts to anon, authenticated, project_owner;
grant all on storage.s3_multipart_uploads, storage.s3_multipart_uploads_parts to service_role;
create policy project_owner on storage.s3_multipart_uploads for select to project_owner using (true);
create policy project_owner on storage.s3_multipart_uploads_parts for select to project_owner using (true);

create function storage.update_updated_at_column() returns trigger
language plpgsql
as $$
begin
  new.updated_at := pg_catalog.now();
  return new;
end
$$;

create trigger update_objects_updated_at before update on storage.objects
  for each row execute function storage.update_updated_at_column();

-- A new owner must be able to make tables in the schema at the moment it becomes the owner; the right is not kept.
grant create on schema storage to project_owner;
alter table storage.buckets owner to project_owner;
alter table storage.objects owner to project_owner;
revoke create on schema storage from project_owner;
