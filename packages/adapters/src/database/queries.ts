import type { ProjectTables } from '@polder/db'
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql, type CompiledQuery } from 'kysely'

type Transaction = Kysely<ProjectTables>

export interface SchemaRow {
  name: string
  is_platform: boolean
}

export interface ColumnRow {
  name: string
  type: string
  is_nullable: boolean
  is_primary_key: boolean
  is_generated: boolean
  default_expression: string | null
  references: { schema: string; table: string; column: string } | null
}

export interface TableRow {
  schema: string
  name: string
  kind: 'r' | 'v' | 'm' | 'p' | 'f'
  estimated_rows: number
  bytes: number
  has_row_security: boolean
  comment: string | null
  columns: ColumnRow[]
}

/** What a page of rows is read by. */
export interface RelationRow {
  kind: TableRow['kind']
  estimated_rows: number
  is_platform: boolean
  columns: { name: string; type: string; is_bytes: boolean }[]
  primary_key: string[]
}

/** Lists are for people: nobody reads more tables than this in one. */
const MAX_TABLES = 5_000

/** Schemas of the platform's services belong to the one role that a project's owner can't act as. */
const isPlatform = sql<boolean>`pg_catalog.pg_get_userbyid(n.nspowner) = 'platform_internal'`

const isSystem = sql<boolean>`(n.nspname like 'pg\\_%' or n.nspname = 'information_schema')`

export async function selectSchemas(tx: Transaction): Promise<SchemaRow[]> {
  const { rows } = await sql<SchemaRow>`
    select n.nspname::text as name, ${isPlatform} as is_platform
    from pg_catalog.pg_namespace n
    where not ${isSystem}
    order by 2, 1`.execute(tx)
  return rows
}

/** One attribute's facts, as JSON. Texts are cut: a comment or default can be of any length. */
const columnJson = sql`pg_catalog.json_build_object(
  'name', a.attname,
  'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
  'is_nullable', not a.attnotnull,
  'is_primary_key', exists (
    select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)),
  'is_generated', a.attgenerated <> '' or a.attidentity = 'a',
  'default_expression', (
    select pg_catalog.left(pg_catalog.pg_get_expr(d.adbin, d.adrelid), 1000)
    from pg_catalog.pg_attrdef d where d.adrelid = c.oid and d.adnum = a.attnum),
  'references', (
    select pg_catalog.json_build_object('schema', fn.nspname, 'table', fc.relname, 'column', fa.attname)
    from pg_catalog.pg_constraint k
      join pg_catalog.pg_class fc on fc.oid = k.confrelid
      join pg_catalog.pg_namespace fn on fn.oid = fc.relnamespace
      join pg_catalog.pg_attribute fa on fa.attrelid = k.confrelid and fa.attnum = k.confkey[1]
    where k.conrelid = c.oid and k.contype = 'f' and pg_catalog.cardinality(k.conkey) = 1 and k.conkey[1] = a.attnum
    order by k.conname limit 1))`

/** Sizes of files need a lock that a running ALTER TABLE holds; the planner's page counts need none. */
const SIZES = {
  files: sql<number>`case
    when c.relkind in ('r', 'm') then pg_catalog.pg_total_relation_size(c.oid)
    when c.relkind = 'p' then (select pg_catalog.sum(pg_catalog.pg_total_relation_size(t.relid)) from pg_catalog.pg_partition_tree(c.oid) t)
  end`,
  pages: sql<number>`c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint`,
}

/** Tables and views with their columns; of one schema, or of all that are neither Postgres' nor the platform's. */
export async function selectTables(
  tx: Transaction,
  { schema, sizes }: { schema?: string; sizes: keyof typeof SIZES },
): Promise<TableRow[]> {
  const { rows } = await sql<TableRow>`
    select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
      c.reltuples::float8 as estimated_rows, coalesce(${SIZES[sizes]}, 0)::float8 as bytes,
      c.relrowsecurity as has_row_security,
      pg_catalog.left(pg_catalog.obj_description(c.oid, 'pg_class'), 1000) as comment,
      coalesce((
        select pg_catalog.json_agg(${columnJson} order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ), '[]') as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'p', 'f')
      and ${schema === undefined ? sql`not ${isSystem} and not ${isPlatform}` : sql`n.nspname = ${schema}`}
    order by 1, 2 limit ${sql.lit(MAX_TABLES)}`.execute(tx)
  return rows
}

export async function selectRelation(
  tx: Transaction,
  { schema, table }: { schema: string; table: string },
): Promise<RelationRow | undefined> {
  const { rows } = await sql<RelationRow>`
    select c.relkind::text as kind, c.reltuples::float8 as estimated_rows, ${isPlatform} as is_platform,
      coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname,
          'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'is_bytes', a.atttypid = 'pg_catalog.bytea'::regtype) order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ), '[]') as columns,
      coalesce((
        select pg_catalog.json_agg(a.attname order by pg_catalog.array_position(i.indkey::int2[], a.attnum))
        from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = c.oid and i.indisprimary
      ), '[]') as primary_key
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table} and c.relkind in ('r', 'v', 'm', 'p', 'f')`.execute(tx)
  return rows[0]
}

/** Names of types, by the ids that the wire gives; in the order asked. */
export async function selectTypeNames(tx: Transaction, types: { id: number; modifier: number }[]): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select pg_catalog.format_type(t.id, t.modifier) as name
    from rows from (
      pg_catalog.unnest(${types.map(({ id }) => id)}::oid[]), pg_catalog.unnest(${types.map(({ modifier }) => modifier)}::int4[])
    ) with ordinality as t (id, modifier, place)
    order by t.place`.execute(tx)
  return rows.map(({ name }) => name)
}

export async function selectDatabaseBytes(tx: Transaction): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select pg_catalog.pg_database_size(pg_catalog.current_database())::float8 as bytes`.execute(tx)
  return rows[0]?.bytes ?? 0
}

/** A page of a relation. Each value is its type's own text, cut one character past `maxCharacters` so that the cut shows. */
export interface RowPageQuery {
  schema: string
  table: string
  columns: RelationRow['columns']
  orderBy: { column: string; descending: boolean }[]
  limit: number
  offset: number
  maxCharacters: number
}

/** Compiles statements, and runs none: an owner session is no Kysely. */
const compiler = new Kysely<ProjectTables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** The statement that reads a page, for an owner session. */
export function compileRowPage(query: RowPageQuery): CompiledQuery {
  const { schema, table, columns, orderBy, limit, offset } = query
  const cells = columns.map((column) => cellText(column, query.maxCharacters + 1))
  const order = orderBy.map(({ column, descending }) => sql`t.${sql.id(column)} ${descending ? sql`desc` : sql`asc`}`)
  return sql`
    select ${cells.length > 0 ? sql.join(cells) : sql`null`}
    from ${sql.id(schema, table)} as t
    ${order.length > 0 ? sql`order by ${sql.join(order)}` : sql``}
    limit ${sql.lit(limit)} offset ${sql.lit(offset)}`.compile(compiler)
}

/** `format('%s', …)` uses the type's output function, where a cast to text could be one that the owner defined. */
function cellText({ name, is_bytes }: RelationRow['columns'][number], characters: number) {
  const cell = sql`t.${sql.id(name)}`
  const value = is_bytes ? sql`pg_catalog.substr(${cell}, 1, ${sql.lit(characters)})` : cell
  return sql`case when ${cell} is distinct from null then pg_catalog.left(pg_catalog.format('%s', ${value}), ${sql.lit(characters)}) end`
}

/** The statement that counts a relation's rows up to a limit. */
export function compileRowCount({ schema, table, limit }: { schema: string; table: string; limit: number }): CompiledQuery {
  return sql`select pg_catalog.count(*) as total from (select from ${sql.id(schema, table)} limit ${sql.lit(limit)}) as counted`.compile(
    compiler,
  )
}

/** Begins the transaction that pages are read in. The path stays the owner's, because functions under views count on it; ours is qualified. */
export function compileReadTransaction(timeoutMs: number): string {
  const { sql: text } = sql`
    begin transaction isolation level repeatable read, read only;
    set local lock_timeout = ${sql.lit(2_000)};
    set local statement_timeout = ${sql.lit(Math.ceil(timeoutMs))}`.compile(compiler)
  return text
}

/** Gives the transaction's next statements this long. */
export function compileTimeout(timeoutMs: number): string {
  return sql`set local statement_timeout = ${sql.lit(timeoutMs)}`.compile(compiler).sql
}

export function compileTerminate(backendPid: number): CompiledQuery {
  return sql`select pg_catalog.pg_terminate_backend(${backendPid}::int4)`.compile(compiler)
}
