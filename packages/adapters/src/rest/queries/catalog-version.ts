import type { ProjectTables } from '@polder/db'
import { type Kysely, sql } from 'kysely'

type Tx = Kysely<ProjectTables>

// Every name below is one of pg_catalog's, as in catalog.ts.

export interface RoleSettingRow {
  role: string
  /** `name=value` */
  setting: string
}

const ROLES = sql`('authenticator', 'anon', 'authenticated', 'service_role')`

/**
 * What `alter role … set` says for the roles of the data API, and for `authenticator`, which stands for PostgREST itself: whatever
 * a cluster's administrator has set. What is set for one database only is behind the walls between projects, and not seen.
 */
export async function selectRoleSettings(tx: Tx): Promise<RoleSettingRow[]> {
  const { rows } = await sql<RoleSettingRow>`
    select rolname as role, each as setting from pg_roles cross join unnest(rolconfig) each
    where rolname in ${ROLES}
      and (each like 'pgrst.%' or exists (select from pg_settings p where p.name = split_part(each, '=', 1) and p.context = 'user'))`.execute(
    tx,
  )
  return rows
}

/** A text that changes whenever the catalogue of user objects does: how many rows there are, and which transactions wrote them. */
export async function selectVersion(tx: Tx): Promise<string> {
  const { rows } = await sql<{ version: string }>`
    select concat_ws('.',
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_namespace),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_class where oid >= 16384),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_attribute where attrelid >= 16384 and attnum > 0),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_attrdef),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_constraint where oid >= 16384),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_proc where oid >= 16384),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_type where oid >= 16384),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_cast where oid >= 16384),
      (select concat(count(*), '-', sum(xmin::text::bigint)) from pg_rewrite where oid >= 16384),
      (select md5(string_agg(concat(rolname, rolconfig), ',' order by rolname)) from pg_roles where rolname in ${ROLES})
    ) as version`.execute(tx)
  return rows[0]?.version ?? ''
}
