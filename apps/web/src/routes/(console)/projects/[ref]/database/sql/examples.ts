/** Scripts that the home page offers to begin with. */
export const EXAMPLES: Record<string, { name: string; sql: string }> = {
  todos: {
    name: 'Todos',
    sql: `-- A table that only its owner sees: try it with supabase-js.
create table public.todos (
  id bigint generated always as identity primary key,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null check (length(title) between 1 and 200),
  is_done boolean not null default false,
  created_at timestamptz not null default now()
);

create index on public.todos (user_id);

alter table public.todos enable row level security;

create policy "Users see and change their own todos"
  on public.todos for all to authenticated
  using (user_id = auth.uid())
  with check (user_id = auth.uid());
`,
  },
}
