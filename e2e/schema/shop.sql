-- A small shop with a help desk, as an app written for Supabase would have it: profiles made by a trigger on auth.users,
-- a catalogue that everybody reads, orders that only their buyer sees, conversations shared by their members.

create type public.order_status as enum ('cart', 'placed', 'paid', 'shipped', 'cancelled');

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  username text unique check (char_length(username) between 3 and 40),
  full_name text,
  is_staff boolean not null default false,
  created_at timestamptz not null default now()
);

create table public.categories (
  id bigint generated always as identity primary key,
  slug text not null unique,
  title text not null,
  parent_id bigint references public.categories (id)
);

create table public.products (
  id bigint generated always as identity primary key,
  category_id bigint not null references public.categories (id),
  sku text not null unique,
  title text not null,
  description text not null default '',
  price_cents integer not null check (price_cents >= 0),
  stock integer not null default 0 check (stock >= 0),
  attributes jsonb not null default '{}',
  tags text[] not null default '{}',
  is_listed boolean not null default true,
  created_at timestamptz not null default now()
);
create index products_category_id_idx on public.products (category_id);
create index products_tags_idx on public.products using gin (tags);

create table public.orders (
  id bigint generated always as identity primary key,
  buyer_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  status public.order_status not null default 'cart',
  note text,
  total_cents integer not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index orders_buyer_id_idx on public.orders (buyer_id);

create table public.order_items (
  order_id bigint not null references public.orders (id) on delete cascade,
  product_id bigint not null references public.products (id),
  quantity integer not null check (quantity between 1 and 999),
  unit_cents integer not null default 0,
  primary key (order_id, product_id)
);

create table public.reviews (
  id uuid primary key default gen_random_uuid(),
  product_id bigint not null references public.products (id) on delete cascade,
  author_id uuid not null default auth.uid() references public.profiles (id) on delete cascade,
  stars smallint not null check (stars between 1 and 5),
  body text not null default '',
  created_at timestamptz not null default now(),
  unique (product_id, author_id)
);

create table public.conversations (
  id uuid primary key default extensions.uuid_generate_v4(),
  subject text not null,
  created_by uuid not null default auth.uid() references auth.users (id)
);

create table public.conversation_members (
  conversation_id uuid not null references public.conversations (id) on delete cascade,
  profile_id uuid not null references public.profiles (id) on delete cascade,
  primary key (conversation_id, profile_id)
);

create table public.messages (
  id bigint generated always as identity primary key,
  conversation_id uuid not null references public.conversations (id) on delete cascade,
  author_id uuid not null default auth.uid() references public.profiles (id),
  body text not null,
  sent_at timestamptz not null default now()
);

create or replace function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, username, full_name)
  values (new.id, 'user-' || substr(new.id::text, 25), new.raw_user_meta_data ->> 'full_name');
  return new;
end;
$$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();

create or replace function public.touch_order() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
create trigger orders_touch before update on public.orders for each row execute function public.touch_order();

create or replace function public.price_item() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  select price_cents into strict new.unit_cents from public.products where id = new.product_id;
  return new;
end;
$$;
create trigger order_items_price before insert on public.order_items for each row execute function public.price_item();

create or replace function public.total_order() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.orders o
  set total_cents = coalesce((select sum(quantity * unit_cents) from public.order_items where order_id = o.id), 0)
  where o.id = coalesce(new.order_id, old.order_id);
  return null;
end;
$$;
create trigger order_items_total after insert or update or delete on public.order_items for each row execute function public.total_order();

-- A policy on conversation_members that read conversation_members would recurse: this function looks past row security.
create or replace function public.is_member(conversation uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.conversation_members where conversation_id = conversation and profile_id = (select auth.uid()))
$$;

create or replace function public.search_products(term text, max_cents integer default null) returns setof public.products
language sql stable as $$
  select * from public.products
  where is_listed and title ilike '%' || term || '%' and (max_cents is null or price_cents <= max_cents)
$$;

create or replace function public.whoami() returns jsonb language sql stable as $$
  select jsonb_build_object('uid', auth.uid(), 'role', auth.role(), 'email', auth.email(), 'aal', auth.jwt() ->> 'aal')
$$;

create view public.best_sellers with (security_invoker = true) as
  select p.id, p.title, p.price_cents, count(r.id) as reviews, round(avg(r.stars), 2) as stars
  from public.products p left join public.reviews r on r.product_id = p.id
  where p.is_listed
  group by p.id;

alter table public.profiles enable row level security;
alter table public.categories enable row level security;
alter table public.products enable row level security;
alter table public.orders enable row level security;
alter table public.order_items enable row level security;
alter table public.reviews enable row level security;
alter table public.conversations enable row level security;
alter table public.conversation_members enable row level security;
alter table public.messages enable row level security;

create policy "Profiles are public" on public.profiles for select using (true);
create policy "People change their own profile" on public.profiles for update to authenticated
  using ((select auth.uid()) = id) with check ((select auth.uid()) = id and not is_staff);
create policy "Categories are public" on public.categories for select to anon, authenticated using (true);
create policy "Listed products are public" on public.products for select to anon, authenticated using (is_listed);
create policy "Staff sees every product" on public.products for select to authenticated
  using (exists (select 1 from public.profiles where id = (select auth.uid()) and is_staff));
create policy "Buyers see their orders" on public.orders for select to authenticated using ((select auth.uid()) = buyer_id);
create policy "Buyers open orders" on public.orders for insert to authenticated with check ((select auth.uid()) = buyer_id and status = 'cart');
create policy "Buyers change open orders" on public.orders for update to authenticated
  using ((select auth.uid()) = buyer_id and status in ('cart', 'placed')) with check ((select auth.uid()) = buyer_id and status in ('cart', 'placed', 'cancelled'));
create policy "Buyers drop carts" on public.orders for delete to authenticated using ((select auth.uid()) = buyer_id and status = 'cart');
create policy "Items follow their order" on public.order_items for all to authenticated
  using (exists (select 1 from public.orders o where o.id = order_id and o.buyer_id = (select auth.uid())))
  with check (exists (select 1 from public.orders o where o.id = order_id and o.buyer_id = (select auth.uid()) and o.status = 'cart'));
create policy "Reviews are public" on public.reviews for select using (true);
create policy "People review as themselves" on public.reviews for insert to authenticated with check ((select auth.uid()) = author_id);
create policy "Members see conversations" on public.conversations for select to authenticated
  using (created_by = (select auth.uid()) or public.is_member(id));
create policy "Anyone signed in starts one" on public.conversations for insert to authenticated with check (created_by = (select auth.uid()));
create policy "Members see members" on public.conversation_members for select to authenticated using (public.is_member(conversation_id));
create policy "The starter adds members" on public.conversation_members for insert to authenticated
  with check (exists (select 1 from public.conversations c where c.id = conversation_id and c.created_by = (select auth.uid())));
create policy "Members read messages" on public.messages for select to authenticated using (public.is_member(conversation_id));
create policy "Members write as themselves" on public.messages for insert to authenticated
  with check (author_id = (select auth.uid()) and public.is_member(conversation_id));

insert into public.categories (slug, title) select 'category-' || n, 'Category ' || n from generate_series(1, 40) n;
update public.categories set parent_id = (id - 1) / 4 where id > 4;
insert into public.products (category_id, sku, title, description, price_cents, stock, attributes, tags, is_listed)
select 1 + n % 40, 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n || case when n % 7 = 0 then ' “über” ✓' else '' end,
  repeat('Fine goods. ', n % 9), 100 + (n * 37) % 90000, n % 250,
  jsonb_build_object('colour', (array['red', 'green', 'blue'])[1 + n % 3], 'weight', n % 50),
  array['tag' || n % 11, 'tag' || n % 5], n % 20 <> 0
from generate_series(1, 5000) n;
