import { listRowsSchema, listTablesSchema, runSqlSchema, tableSchema } from '@polder/core'
import type { ProjectScope } from '@polder/db'
import { openTestCluster, type TestCluster, type TestProject } from '@polder/db/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabaseAdapter, probe } from './index.ts'

let cluster: TestCluster
let alpha: TestProject
let project: ProjectScope
const adapter = createDatabaseAdapter({ onSchemaChanged: () => undefined, observe: () => undefined, rowsTimeoutMs: 1_000 })

beforeAll(async () => {
  cluster = await openTestCluster()
  alpha = await cluster.createProject()
  project = await alpha.member('database.read')
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

const list = (schema?: string) => adapter.listTables(project, { schema })
const read = (table: string, options: Partial<Parameters<typeof adapter.listRows>[1]> = {}) =>
  adapter.listRows(project, { schema: 'public', table, limit: 100, offset: 0, ...options })
const quote = (name: string) => `"${name.replaceAll('"', '""')}"`

describe('listSchemas', () => {
  test('the project’s own first, Postgres’ not at all', async () => {
    await alpha.runAsOwner('create schema shop')
    const schemas = await adapter.listSchemas(project)
    expect(schemas.filter(({ isPlatform }) => !isPlatform).map(({ name }) => name)).toEqual(expect.arrayContaining(['public', 'shop']))
    expect(schemas).toContainEqual({ name: 'auth', isPlatform: true })
    expect(schemas.some(({ name }) => name.startsWith('pg_') || name === 'information_schema')).toBe(false)
  })
})

describe('listTables', () => {
  test('tells what there is to know of a table', async () => {
    await alpha.runAsOwner(`
      create table customers (id bigint generated always as identity primary key, email text not null unique);
      comment on table customers is 'Who buys';
      create table orders (
        id uuid default gen_random_uuid(), line int, customer_id bigint references customers on delete cascade,
        total numeric(10,2) not null default 0, doubled numeric generated always as (total * 2) stored,
        primary key (id, line));
      alter table orders enable row level security;
      alter table orders add column dropped int; alter table orders drop column dropped;
      create view order_totals as select customer_id, sum(total) as sum from orders group by 1;
      create materialized view order_counts as select count(*) as n from orders;
      create table events (at date) partition by range (at);
      create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
      insert into customers (email) select i || '@example.com' from generate_series(1, 500) i;
      analyze customers`)
    const tables = await list()
    const byName = Object.fromEntries(tables.map((table) => [table.name, tableSchema.parse(table)]))
    expect(byName['customers']).toMatchObject({
      schema: 'public',
      kind: 'table',
      estimatedRows: 500,
      hasRowSecurity: false,
      comment: 'Who buys',
    })
    expect(byName['customers']?.bytes).toBeGreaterThan(40_000)
    expect(byName['orders']).toMatchObject({ hasRowSecurity: true, estimatedRows: null })
    expect(byName['orders']?.columns).toEqual([
      {
        name: 'id',
        type: 'uuid',
        isNullable: false,
        isPrimaryKey: true,
        isGenerated: false,
        defaultExpression: 'gen_random_uuid()',
        references: null,
      },
      {
        name: 'line',
        type: 'integer',
        isNullable: false,
        isPrimaryKey: true,
        isGenerated: false,
        defaultExpression: null,
        references: null,
      },
      expect.objectContaining({ name: 'customer_id', references: { schema: 'public', table: 'customers', column: 'id' } }),
      expect.objectContaining({ name: 'total', type: 'numeric(10,2)', isNullable: false, defaultExpression: '0' }),
      expect.objectContaining({ name: 'doubled', isGenerated: true }),
    ])
    expect(byName['customers']?.columns[0]).toMatchObject({ name: 'id', isGenerated: true })
    expect(['order_totals', 'order_counts', 'events'].map((name) => byName[name]?.kind)).toEqual([
      'view',
      'materialized_view',
      'partitioned_table',
    ])
  })

  test('shows the platform’s and Postgres’ schemas only when asked', async () => {
    const all = new Set((await list()).map(({ schema }) => schema))
    expect(all).not.toContain('auth')
    expect(all).not.toContain('pg_catalog')
    expect((await list('auth')).map(({ name }) => name)).toContain('users')
    expect((await list('pg_catalog')).map(({ name }) => name)).toContain('pg_class')
    expect(await list('not there')).toEqual([])
  })

  test('does not wait for a table that is being altered', async () => {
    const other = await alpha.connect('owner')
    await other.query('begin; lock table customers in access exclusive mode')
    expect((await list()).map(({ name }) => name)).toContain('customers')
    await other.query('rollback')
    await other.end()
  })
})

describe('listRows', () => {
  beforeAll(async () => {
    await alpha.runAsOwner(`
      create table items (id int primary key, name text, kind text, raw bytea, pair int4range);
      insert into items select i, 'item ' || i, case when i % 2 = 0 then 'even' end, '\\xbeef', int4range(i, i + 2) from generate_series(1, 250) i`)
  })

  test('pages by primary key, values as Postgres prints them, the total exact', async () => {
    const page = await read('items', { limit: 2, offset: 1 })
    expect(page).toEqual({
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'name', type: 'text' },
        { name: 'kind', type: 'text' },
        { name: 'raw', type: 'bytea' },
        { name: 'pair', type: 'int4range' },
      ],
      rows: [
        ['2', 'item 2', 'even', '\\xbeef', '[2,4)'],
        ['3', 'item 3', null, '\\xbeef', '[3,5)'],
      ],
      cutCells: [],
      total: 250,
      isTotalExact: true,
    })
  })

  test('orders by a column, made complete by the primary key', async () => {
    const page = await read('items', { limit: 3, orderBy: { column: 'kind', descending: false } })
    expect(page.rows.map(([id]) => id)).toEqual(['2', '4', '6'])
    const last = await read('items', { limit: 1, orderBy: { column: 'id', descending: true } })
    expect(last.rows[0]?.[0]).toBe('250')
    expect((await read('items', { offset: 1_000_000 })).rows).toEqual([])
  })

  test('refuses what is not there', async () => {
    await expect(read('nothing')).rejects.toMatchObject({ code: 'database.table_not_found' })
    await expect(read('items', { schema: 'nowhere' })).rejects.toMatchObject({ code: 'database.table_not_found' })
    await expect(read('items_pkey')).rejects.toMatchObject({ code: 'database.table_not_found' })
    await expect(read('items', { orderBy: { column: 'id; drop table items', descending: true } })).rejects.toMatchObject({
      code: 'database.column_not_found',
    })
    await expect(read('items', { orderBy: { column: 'ctid', descending: true } })).rejects.toMatchObject({
      code: 'database.column_not_found',
    })
  })

  test('refuses rows of the platform’s schemas: they hold password hashes and tokens', async () => {
    await expect(read('users', { schema: 'auth' })).rejects.toMatchObject({ code: 'access.forbidden' })
  })

  test('cuts large values and says which', async () => {
    await alpha.runAsOwner(`create table large (id int primary key, body text, raw bytea);
      insert into large values (1, repeat('😀', 10000), null), (2, repeat('😀', 10001), decode(repeat('00', 2000000), 'hex'))`)
    const { rows, cutCells } = await read('large')
    expect(cutCells).toEqual([
      { row: 1, column: 1 },
      { row: 1, column: 2 },
    ])
    expect([...(rows[1]?.[1] ?? '')]).toHaveLength(10_000)
    expect([...(rows[0]?.[1] ?? '')]).toHaveLength(10_000)
  })

  test('tells NULL from a row of NULLs, and takes types of every kind', async () => {
    await alpha.runAsOwner(`create type pair as (a int, b text); create domain even as int check (value % 2 = 0);
      create table odd_types (p pair, e even, j json, x point, c char(5), b boolean, n "char", l int[], v tsvector);
      insert into odd_types values (row(null, null), 2, '{"a": 1}', '(1,2)', 'ab', true, 'z', '{1,null}', 'a:1'), (null, null, null, null, null, null, null, null, null)`)
    const { rows } = await read('odd_types')
    expect(rows).toEqual([['(,)', '2', '{"a": 1}', '(1,2)', 'ab   ', 't', 'z', '{1,NULL}', "'a':1"], Array(9).fill(null)])
    await expect(read('odd_types', { orderBy: { column: 'j', descending: false } })).rejects.toMatchObject({ code: 'database.sql_failed' })
  })

  test('tables without columns or rows', async () => {
    await alpha.runAsOwner('create table empty_table (id int); create table no_columns (); insert into no_columns default values')
    expect(await read('empty_table')).toMatchObject({ rows: [], total: 0, isTotalExact: true })
    expect(await read('no_columns')).toMatchObject({ columns: [], rows: [], total: 1 })
  })

  test('estimates the total of large tables', async () => {
    await alpha.runAsOwner('create table many as select i from generate_series(1, 300000) i; analyze many')
    expect(await read('many', { limit: 1 })).toMatchObject({ total: 300_000, isTotalExact: false })
    await alpha.runAsOwner('create view many_seen as select * from many')
    expect(await read('many_seen', { limit: 1 })).toMatchObject({ total: 100_000, isTotalExact: false })
  })

  test('a view that writes, never ends or fails is contained', async () => {
    await alpha.runAsOwner(`
      create function writes() returns int language sql as 'insert into items (id) values (-1) returning 1';
      create view writing as select writes() as x;
      create function sleeps() returns int language plpgsql as $$ begin perform set_config('statement_timeout', '0', false);
        loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop; end $$;
      create view endless as select sleeps() as x;
      create view failing as select 1 / 0 as x`)
    await expect(read('writing')).rejects.toMatchObject({ code: 'database.sql_failed' })
    await expect(read('failing')).rejects.toMatchObject({ code: 'database.sql_failed', message: 'division by zero' })
    const startedAt = performance.now()
    await expect(read('endless')).rejects.toMatchObject({ code: 'database.sql_timeout' })
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })

  test('operators and functions of the owner’s do not stand in for Postgres’ own', async () => {
    await alpha
      .runAsOwner(
        `create function public.left(text, int) returns text language sql as $$ select 'forged' $$;
      create function public.count(*) returns bigint language sql as 'select 1'`,
      )
      .catch(() => undefined)
    await alpha.runAsOwner(`create or replace function public."left"(text, int) returns text language sql as $$ select 'forged' $$`)
    expect((await read('items', { limit: 1 })).rows[0]?.[1]).toBe('item 1')
  })
})

describe('nasty names', () => {
  const NAMES = [
    'a"b',
    "a'b",
    'a;b',
    'a\nb',
    'a\\b',
    '$$',
    '%s',
    'select',
    '__proto__',
    'constructor',
    ' trailing ',
    '-- x',
    '/* x',
    '😀',
    'é'.repeat(31),
    '\u200b',
    '\u202e',
    'a.b',
    'A',
    '$1',
    '?',
    '',
  ]

  test.each(NAMES.filter((name) => name !== ''))('%j as schema, table and column', async (name) => {
    await alpha.runAsOwner(`create schema if not exists ${quote(name)}; create table ${quote(name)}.${quote(name)} (${quote(name)} text primary key, plain int);
      insert into ${quote(name)}.${quote(name)} values ('x', 1)`)
    const [table] = await list(name)
    expect(table).toMatchObject({ schema: name, name, columns: [{ name, isPrimaryKey: true }, { name: 'plain' }] })
    const page = await adapter.listRows(project, {
      schema: name,
      table: name,
      limit: 10,
      offset: 0,
      orderBy: { column: name, descending: true },
    })
    expect(page).toMatchObject({ columns: [{ name }, { name: 'plain' }], rows: [['x', '1']], total: 1 })
    expect(listRowsSchema.safeParse({ schema: name, table: name }).success).toBe(true)
  })

  test('property: any name that Postgres takes makes the round trip', async () => {
    await alpha.runAsOwner('create schema names')
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 20 })
      .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 63 && text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(name, name, async (table, column) => {
        await alpha.runAsOwner(
          `drop schema names cascade; create schema names; create table names.${quote(table)} (${quote(column)} int); insert into names.${quote(table)} values (7)`,
        )
        expect(await list('names')).toMatchObject([{ name: table, columns: [{ name: column }] }])
        const page = await adapter.listRows(project, {
          schema: 'names',
          table,
          limit: 1,
          offset: 0,
          orderBy: { column, descending: false },
        })
        expect(page.rows).toEqual([['7']])
      }),
      { numRuns: 100 },
    )
  })

  test.each(['', 'x'.repeat(64), 'a\0b', '\ud800'])('%j cannot be a name', (name) => {
    expect(listTablesSchema.safeParse({ schema: name }).success).toBe(false)
    expect(listRowsSchema.safeParse({ schema: 'public', table: name }).success).toBe(false)
  })

  test.each(['', 'select \0', "select '\ud800'"])('%j cannot be SQL', (sql) => {
    expect(runSqlSchema.safeParse({ sql }).success).toBe(false)
  })
})

describe('getSize', () => {
  test('is that of the whole database', async () => {
    expect((await adapter.getSize(project)).bytes).toBeGreaterThan(5_000_000)
  })
})

describe('probe', () => {
  test('sees in a project what it wrote there, and nowhere else', async () => {
    const beta = await (await cluster.createProject()).member('database.execute')
    await probe.write(project, `it's; "x"`)
    expect(await probe.sees(project, `it's; "x"`)).toBe(true)
    expect(await probe.sees(project, 'other')).toBe(false)
    expect(await probe.sees(beta, `it's; "x"`)).toBe(false)
  })
})
