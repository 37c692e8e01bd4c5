import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestCluster, type TestCluster, type TestProject } from '../../testing/test-cluster.ts'

let cluster: TestCluster
let project: TestProject
let owner: Client

beforeAll(async () => {
  cluster = await openTestCluster()
  project = await cluster.createProject()
  owner = await project.connect('owner')
})
afterAll(async () => cluster?.[Symbol.asyncDispose]())

test('the row types have the columns of the catalogue, no more and no fewer', async () => {
  const { rows } = await owner.query<{ name: string; columns: string[] }>(`
    select 'storage.' || c.relname as name, array_agg(a.attname::text order by a.attname) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'storage'::regnamespace and c.relkind = 'r' group by 1`)
  const source = await readFile(new URL('storage.ts', import.meta.url), 'utf8')
  const types = [...source.matchAll(/'(storage\.\w+)': (\w+)/g)].map(([, table, type]) => {
    const body = new RegExp(`interface ${type} \\{([^}]*)\\}`).exec(source)?.[1] ?? ''
    return [table, [...body.matchAll(/^ {2}(\w+):/gm)].map(([, column]) => column!).toSorted()]
  })
  expect(Object.fromEntries(types)).toEqual(Object.fromEntries(rows.map(({ name, columns }) => [name, columns])))
})

test('what Supabase users do with storage loads: buckets, policies, triggers; uploads in parts stay the service’s', async () => {
  await owner.query(`
    insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
    create policy "Avatar images are publicly accessible." on storage.objects for select using (bucket_id = 'avatars');
    create policy "Anyone can upload to own folder" on storage.objects for insert to authenticated
      with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text and storage.extension(name) = 'png');
    create function public.on_upload() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger on_upload after insert on storage.objects for each row execute function public.on_upload();
    alter policy "Anyone can upload to own folder" on storage.objects to anon, authenticated;
    drop policy "Anyone can upload to own folder" on storage.objects;`)
  for (const sql of [
    'create table storage.mine (id int)',
    'create function storage.mine() returns int language sql as $$ select 1 $$',
    `insert into storage.s3_multipart_uploads (id, upload_signature, bucket_id, key, version) values ('a', '', 'avatars', 'b', 'c')`,
    'drop function storage.operation()',
    'drop table storage.s3_multipart_uploads cascade',
  ]) {
    await expect(owner.query(sql), sql).rejects.toMatchObject({ code: '42501' })
  }
})

test('a later migration can still change the tables that the owner owns', async () => {
  const platform = await project.connect('platform')
  await platform.query('begin; set role platform_internal; alter table storage.objects add column later int; rollback')
})

test('names are taken apart as Supabase does', async () => {
  const ask = async (name: string) =>
    (
      await owner.query('select storage.foldername($1) as folders, storage.filename($1) as file, storage.extension($1) as extension', [
        name,
      ])
    ).rows[0]
  expect(await ask('a/b/c.tar.gz')).toEqual({ folders: ['a', 'b'], file: 'c.tar.gz', extension: 'gz' })
  expect(await ask('plain')).toEqual({ folders: [], file: 'plain', extension: 'plain' })
  expect(await ask('a//b')).toEqual({ folders: ['a', ''], file: 'b', extension: 'b' })
})

/** The same listing, from a list of all names. */
function listNaively(names: string[], prefix: string, isDown: boolean): string[] {
  const entries = names
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const cut = name.indexOf('/', prefix.length)
      return cut === -1 ? name : name.slice(0, cut + 1)
    })
  const sorted = [...new Set(entries)].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return isDown ? sorted.toReversed() : sorted
}

test('property: pages of a listing put together are what lies under the prefix, in both orders', { timeout: 120_000 }, async () => {
  const letters = fc.constantFrom('a', 'B', 'é', '!', '0', '\u{10ffff}', '%')
  const names = fc.uniqueArray(
    fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
    { maxLength: 25 },
  )
  await owner.query(`insert into storage.buckets (id, name) values ('listed', 'listed')`)
  await fc.assert(
    fc.asyncProperty(names, fc.nat(), fc.integer({ min: 1, max: 4 }), fc.boolean(), async (all, pick, size, isDown) => {
      await owner.query(`delete from storage.objects where bucket_id = 'listed'`)
      await owner.query(`insert into storage.objects (bucket_id, name) select 'listed', unnest($1::text[])`, [all])
      const prefixes = ['', ...all, ...all.map((name) => name.slice(0, name.lastIndexOf('/') + 1))]
      const prefix = prefixes[pick % prefixes.length]!
      const listed: string[] = []
      for (;;) {
        const { rows } = await owner.query<{ name: string }>(
          `select name from storage.list_objects_with_delimiter('listed', $1, '/', $2, $3, '', $4)`,
          [prefix, size, listed.at(-1) ?? '', isDown ? 'desc' : 'asc'],
        )
        listed.push(...rows.map(({ name }) => name))
        if (rows.length < size) break
      }
      expect(listed).toEqual(listNaively(all, prefix, isDown))
    }),
    { numRuns: 150 },
  )
})

test('storage.search lists a folder by name and by time, with a search in either case', async () => {
  await owner.query(`insert into storage.buckets (id, name) values ('searched', 'searched');
    insert into storage.objects (bucket_id, name, created_at) values
      ('searched', 'f/Beta.txt', '2026-01-02'), ('searched', 'f/alpha.txt', '2026-01-03'), ('searched', 'f/sub/x', '2026-01-01'), ('searched', 'g', now())`)
  const search = async (...rest: unknown[]) =>
    (await owner.query(`select name from storage.search('f/', 'searched', 10, 1, 0, $1, $2, $3)`, rest)).rows.map(({ name }) => name)
  expect(await search('', 'name', 'asc')).toEqual(['Beta.txt', 'alpha.txt', 'sub'])
  expect(await search('', 'name', 'desc')).toEqual(['sub', 'alpha.txt', 'Beta.txt'])
  expect(await search('', 'created_at', 'desc')).toEqual(['sub', 'alpha.txt', 'Beta.txt'])
  expect(await search('BET', 'name', 'asc')).toEqual(['Beta.txt'])
  expect(await search('%', 'name', 'asc')).toEqual([])
})
