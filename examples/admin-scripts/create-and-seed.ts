// Creates a project, waits until it is active, gives it a schema and fills it through its data API.
//   node create-and-seed.ts "My shop"
import { parseArgs } from 'node:util'
import type { Client } from '@polder/sdk'
import { createClient as createSupabaseClient } from '@supabase/supabase-js'
import { openInstallation, reportFailure } from './open-installation.ts'

const SCHEMA = `
  create table products (
    id bigint generated always as identity primary key,
    name text not null unique,
    price numeric(10, 2) not null check (price >= 0)
  );
  create table reviews (
    id bigint generated always as identity primary key,
    product_id bigint not null references products on delete cascade,
    author uuid not null default auth.uid() references auth.users on delete cascade,
    stars int not null check (stars between 1 and 5),
    body text
  );
  alter table products enable row level security;
  alter table reviews enable row level security;
  create policy "anybody sees products" on products for select using (true);
  create policy "anybody reads reviews" on reviews for select using (true);
  create policy "people write their own reviews" on reviews for insert to authenticated with check (author = auth.uid());
`

const PRODUCTS = [
  { name: 'Rubber boots', price: 24.5 },
  { name: 'Rain coat', price: 79.99 },
  { name: 'Windmill, small', price: 1250 },
]

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { organization: { type: 'string' } } })
  const polder = openInstallation()
  const organizationId = values.organization ?? (await findOrganization(polder))

  const created = await polder.projects.createAndWait(
    { organizationId, name: positionals[0] ?? 'Example shop' },
    { onProgress: ({ steps, status }) => console.error(`${status}: ${steps.find((step) => step.status === 'running')?.title ?? '…'}`) },
  )
  const project = polder.project(created.ref)
  console.error(`Project ${created.name} (${created.ref}) is ${created.status}.`)

  const run = await project.database.runSql({ sql: SCHEMA })
  if (run.failure) throw new Error(`The schema failed in line ${run.failure.line ?? '?'}: ${run.failure.message}`)

  const { url, publishableKey } = await project.connection()
  const { value: serviceRoleKey } = await project.revealSecret({ secret: 'service_role_key' })
  // From here on it is supabase-js as everywhere; the service role is above row-level security.
  const supabase = createSupabaseClient(url, serviceRoleKey, { auth: { persistSession: false, autoRefreshToken: false } })
  const { data, error } = await supabase.from('products').insert(PRODUCTS).select('id, name')
  if (error) throw new Error(`The products could not be inserted: ${error.message}`)

  console.error(`Inserted ${data.map(({ name }) => name).join(', ')}.`)
  console.log(JSON.stringify({ ref: created.ref, url, publishableKey }, null, 2))
}

/** The one organization that may be meant; with several, the caller names one. */
async function findOrganization(polder: Client): Promise<string> {
  const organizations = await polder.organizations.list()
  if (organizations.length === 1 && organizations[0]) return organizations[0].id
  const names = organizations.map(({ id, name }) => `  ${id}  ${name}`).join('\n')
  throw new Error(`Name an organization with --organization <id>; there are ${organizations.length}:\n${names}`)
}

main().catch(reportFailure)
