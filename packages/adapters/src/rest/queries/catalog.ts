import type { ProjectTables } from '@polder/db'
import { type Kysely, sql } from 'kysely'

type Tx = Kysely<ProjectTables>

// Every name below is one of pg_catalog's, which the connection's search_path holds alone: nothing of the project can run here.

export interface ColumnRow {
  number: number
  name: string
  description: string | null
  isNullable: boolean
  type: string
  nominalType: string
  maxLength: number | null
  default: string | null
  enumValues: string[] | null
}

export interface TableRow {
  oid: string
  schema: string
  name: string
  description: string | null
  kind: 'r' | 'v' | 'm' | 'f' | 'p'
  /** The commands that work on it, as bits: 4 update, 8 insert, 16 delete. */
  commands: number
  columns: ColumnRow[]
}

/** Tables, views and foreign tables of the schemas, without partitions. */
export async function selectTables(tx: Tx, schemas: readonly string[]): Promise<TableRow[]> {
  const { rows } = await sql<TableRow>`
    with recursive domains (oid, base) as (
      select oid, typbasetype from pg_type where typtype = 'd'
      union all
      select d.oid, t.typbasetype from domains d join pg_type t on t.oid = d.base where t.typtype = 'd'
    ), bases as (
      select d.oid, d.base, t.typnamespace from domains d join pg_type t on t.oid = d.base where t.typtype <> 'd'
    )
    select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind,
      obj_description(c.oid, 'pg_class') as description,
      case when c.relkind in ('r', 'p') then 28 when c.relkind = 'm' then 0 else pg_relation_is_updatable(c.oid, true) end as commands,
      coalesce((
        select json_agg(json_build_object(
          'number', a.attnum,
          'name', a.attname,
          'description', col_description(c.oid, a.attnum),
          'isNullable', not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)),
          'type', case
            when b.typnamespace = 'pg_catalog'::regnamespace then format_type(b.base, null)
            when t.typtype <> 'd' and t.typnamespace = 'pg_catalog'::regnamespace then format_type(t.oid, null)
            else format_type(a.atttypid, a.atttypmod) end,
          'nominalType', format_type(a.atttypid, a.atttypmod),
          'maxLength', case when a.atttypid in ('bpchar'::regtype, 'varchar'::regtype) and a.atttypmod > 4 then a.atttypmod - 4 end,
          'default', case
            when a.attgenerated <> '' then null
            when a.attidentity = 'd' then (
              select format('nextval(%L)', s.oid::regclass) from pg_depend p join pg_class s on s.oid = p.objid and s.relkind = 'S'
              where p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass
                and p.refobjid = c.oid and p.refobjsubid = a.attnum and p.deptype = 'i')
            when d.adbin is null then pg_get_expr(t.typdefaultbin, 0)
            else pg_get_expr(d.adbin, d.adrelid) end,
          'enumValues', case when t.typtype = 'e' or b.base is not null then
            (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = coalesce(b.base, t.oid)) end
        ) order by a.attnum)
        from pg_attribute a
        join pg_type t on t.oid = a.atttypid
        left join bases b on b.oid = t.oid
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ), '[]') as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${schemas}) and c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition
    order by n.nspname, c.relname`.execute(tx)
  return rows
}

export interface KeyRow {
  name: string
  type: 'p' | 'u' | 'f'
  oid: string
  schema: string
  table: string
  columns: { number: number; name: string }[]
  foreignOid: string | null
  foreignSchema: string | null
  foreignTable: string | null
  foreignColumns: { number: number; name: string }[] | null
}

/** Primary keys, unique constraints and foreign keys of all schemas; a partition's copies of its parent's are left out. */
export async function selectKeys(tx: Tx): Promise<KeyRow[]> {
  const { rows } = await sql<KeyRow>`
    select k.conname as name, k.contype as type, c.oid::text as oid, n.nspname as schema, c.relname as table,
      (select json_agg(json_build_object('number', a.attnum, 'name', a.attname) order by o.place)
        from unnest(k.conkey) with ordinality o (number, place)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.number) as columns,
      f.oid::text as "foreignOid", fn.nspname as "foreignSchema", f.relname as "foreignTable",
      (select json_agg(json_build_object('number', a.attnum, 'name', a.attname) order by o.place)
        from unnest(k.confkey) with ordinality o (number, place)
        join pg_attribute a on a.attrelid = k.confrelid and a.attnum = o.number) as "foreignColumns"
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_class f on f.oid = k.confrelid
    left join pg_namespace fn on fn.oid = f.relnamespace
    where k.contype in ('p', 'u', 'f') and n.nspname <> 'pg_catalog' and (k.contype <> 'f' or k.conparentid = 0)
    order by k.conrelid, k.conname`.execute(tx)
  return rows
}

export interface ViewRow {
  oid: string
  schema: string
  name: string
  /** The rule's action as Postgres keeps it, a node tree in text. */
  definition: string
  columns: { number: number; name: string }[]
}

/** Views of the schemas with their definitions. */
export async function selectViews(tx: Tx, schemas: readonly string[]): Promise<ViewRow[]> {
  const { rows } = await sql<ViewRow>`
    select c.oid::text as oid, n.nspname as schema, c.relname as name, r.ev_action::text as definition,
      (select json_agg(json_build_object('number', a.attnum, 'name', a.attname)) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
    where c.relkind in ('v', 'm') and n.nspname = any(${schemas})`.execute(tx)
  return rows
}

export interface RoutineRow {
  schema: string
  name: string
  description: string | null
  parameters: { name: string; type: string; castType: string; isRequired: boolean; isVariadic: boolean }[]
  isSet: boolean
  isComposite: boolean
  isCompositeAlias: boolean
  returnsSchema: string
  returnsName: string
  volatility: 'i' | 's' | 'v'
  /** What the function was declared with (`set statement_timeout = …`), of the settings that hold for the whole transaction. */
  settings: string[] | null
}

/** Functions of the schemas that can be called by the names of their arguments, or with one unnamed argument that a body can be. */
export async function selectRoutines(tx: Tx, schemas: readonly string[]): Promise<RoutineRow[]> {
  const { rows } = await sql<RoutineRow>`
    with recursive domains (oid, base) as (
      select oid, typbasetype from pg_type where typtype = 'd'
      union all
      select d.oid, t.typbasetype from domains d join pg_type t on t.oid = d.base where t.typtype = 'd'
    )
    select n.nspname as schema, p.proname as name, obj_description(p.oid, 'pg_proc') as description,
      coalesce(i.parameters, '[]') as parameters,
      p.proretset as "isSet",
      t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false) as "isComposite",
      t.oid <> p.prorettype as "isCompositeAlias",
      tn.nspname as "returnsSchema", coalesce(r.relname, t.typname) as "returnsName", p.provolatile as volatility,
      (select json_agg(c) from unnest(p.proconfig) c
        where c ~ '^(default_transaction_isolation|statement_timeout|plan_filter\.statement_cost_limit)=') as settings
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_type t on t.oid = coalesce(
      (select d.base from domains d join pg_type b on b.oid = d.base where d.oid = p.prorettype and b.typtype <> 'd'), p.prorettype)
    join pg_namespace tn on tn.oid = t.typnamespace
    left join pg_class r on r.oid = t.typrelid
    left join lateral (
      select json_agg(json_build_object(
          'name', coalesce(a.name, ''), 'type', format_type(a.type, null),
          'castType', case a.type
            when 'bit'::regtype then 'bit varying' when 'bit[]'::regtype then 'bit varying[]'
            when 'character'::regtype then 'character varying' when 'character[]'::regtype then 'character varying[]'
            else format_type(a.type, null) end,
          'isRequired', a.place <= p.pronargs - p.pronargdefaults, 'isVariadic', coalesce(a.mode = 'v', false)
        ) order by a.place) as parameters,
        count(*) - count(a.name) as unnamed,
        bool_or(a.name is null and a.type in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype)) as takes_body
      from unnest(p.proargnames, p.proargtypes::oid[], p.proargmodes) with ordinality a (name, type, mode, place)
      where a.type is not null
    ) i on true
    where n.nspname = any(${schemas}) and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
      and (i.parameters is null or i.unnamed = 0 or (i.unnamed = 1 and i.takes_body))
    order by p.oid`.execute(tx)
  return rows
}

export interface ComputedRow {
  schema: string
  name: string
  tableSchema: string
  table: string
  foreignSchema: string
  foreignTable: string
  isToOne: boolean
}

/** Functions from a row of one relation to rows of another. */
export async function selectComputedRelationships(tx: Tx): Promise<ComputedRow[]> {
  const { rows } = await sql<ComputedRow>`
    select n.nspname as schema, p.proname as name, an.nspname as "tableSchema", ac.relname as table,
      rn.nspname as "foreignSchema", rc.relname as "foreignTable", not p.proretset or p.prorows = 1 as "isToOne"
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    join pg_class ac on ac.reltype = p.proargtypes[0] and ac.relkind in ('r', 'v', 'm', 'f', 'p')
    join pg_namespace an on an.oid = ac.relnamespace
    join pg_class rc on rc.reltype = p.prorettype and rc.relkind in ('r', 'v', 'm', 'f', 'p')
    join pg_namespace rn on rn.oid = rc.relnamespace
    where p.pronargs = 1 and p.prokind = 'f' and n.nspname not in ('pg_catalog', 'information_schema')`.execute(tx)
  return rows
}

/** Functions of implicit casts between a domain and JSON or text. */
export async function selectRepresentations(tx: Tx): Promise<{ source: string; target: string; function: string }[]> {
  const { rows } = await sql<{ source: string; target: string; function: string }>`
    select format_type(c.castsource, null) as source, format_type(c.casttarget, null) as target, c.castfunc::regproc::text as function
    from pg_cast c join pg_type s on s.oid = c.castsource join pg_type t on t.oid = c.casttarget
    where c.castcontext = 'i' and c.castmethod = 'f'
      and ((s.typtype = 'd' and c.casttarget in ('json'::regtype, 'text'::regtype))
        or (t.typtype = 'd' and c.castsource in ('json'::regtype, 'text'::regtype)))`.execute(tx)
  return rows
}

export interface HandlerRow {
  schema: string
  name: string
  targetSchema: string
  target: string
  mediaType: string
  isBytes: boolean
}

/** Aggregates over rows, and functions, that give a domain named like a media type. */
export async function selectHandlers(tx: Tx, schemas: readonly string[]): Promise<HandlerRow[]> {
  // Few projects have any, and the search for them is the longest of all.
  const { rows: media } = await sql`select from pg_type where typtype = 'd' and typname like '%/%' limit 1`.execute(tx)
  if (media.length === 0) return []
  const { rows } = await sql<HandlerRow>`
    with media as (
      select t.oid, t.typname, lower(t.typname) as media_type, n.nspname, t.typbasetype = 'bytea'::regtype as is_bytes from pg_type t join pg_namespace n on n.oid = t.typnamespace
      where t.typtype = 'd' and (t.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$' or t.typname = '*/*')
    )
    select pn.nspname as schema, p.proname as name, an.nspname as "targetSchema", a.typname as target, m.media_type as "mediaType", m.is_bytes as "isBytes"
    from media m
    join pg_proc p on p.prorettype = m.oid and p.prokind = 'a' and p.pronargs = 1
    join pg_namespace pn on pn.oid = p.pronamespace
    join pg_type a on a.oid = p.proargtypes[0]
    join pg_namespace an on an.oid = a.typnamespace
    where pn.nspname = any(${schemas}) and (a.typtype = 'c' or a.typname = 'anyelement')
    union all
    select m.nspname, m.typname, pn.nspname, p.proname, m.media_type, m.is_bytes
    from media m
    join pg_proc p on p.prorettype = m.oid and p.prokind = 'f' and not p.proretset
    join pg_namespace pn on pn.oid = p.pronamespace
    where pn.nspname = any(${schemas})`.execute(tx)
  return rows
}

/** Names of all schemas that are not Postgres' own. */
export async function selectNamespaces(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{
    name: string
  }>`select nspname as name from pg_namespace where nspname !~ '^pg_' or nspname = 'pg_catalog'`.execute(tx)
  return rows.map(({ name }) => name)
}
