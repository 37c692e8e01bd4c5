import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'

type Tx = Kysely<ProjectTables>

/**
 * Gives the user an identity of provider `email` or `phone`, or changes the data of the one that is there. Whether it is new.
 * `data` is a JSON object as text.
 */
export async function upsertOwnIdentity(tx: Tx, userId: string, provider: 'email' | 'phone', data: string): Promise<boolean> {
  const result = await sql<{ isNew: boolean }>`
    insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
    values (${userId}, ${userId}::pg_catalog.uuid, ${data}::pg_catalog.jsonb, ${provider}, pg_catalog.now(), pg_catalog.now(), pg_catalog.now())
    on conflict (provider_id, provider) do update set updated_at = pg_catalog.now(),
      identity_data = auth.identities.identity_data || excluded.identity_data
    returning xmax = 0 as "isNew"`.execute(tx)
  return result.rows[0]?.isNew === true
}

/** Marks the identities with the user's own address as proven. */
export async function verifyEmailIdentities(tx: Tx, userId: string): Promise<void> {
  await sql`
    update auth.identities as identity set updated_at = pg_catalog.now(),
      identity_data = identity.identity_data || '{"email_verified": true}'::pg_catalog.jsonb
    from auth.users as owner
    where owner.id = ${userId}::pg_catalog.uuid and identity.user_id = owner.id and identity.email = pg_catalog.lower(owner.email)
      and identity.identity_data -> 'email_verified' is distinct from 'true'::pg_catalog.jsonb`.execute(tx)
}

/** Writes into `app_metadata` which providers the user has: `provider` is the first of them. */
export async function updateProviders(tx: Tx, userId: string): Promise<void> {
  await sql`
    update auth.users as owner set raw_app_meta_data =
      (case when pg_catalog.jsonb_typeof(owner.raw_app_meta_data) = 'object' then owner.raw_app_meta_data else '{}'::pg_catalog.jsonb end)
        || pg_catalog.jsonb_build_object('provider', known.providers -> 0, 'providers', known.providers)
    from (
      select pg_catalog.jsonb_agg(provider order by first_at, provider) as providers from (
        select provider, pg_catalog.min(created_at) as first_at from auth.identities where user_id = ${userId}::pg_catalog.uuid group by provider
      ) as each
    ) as known
    where owner.id = ${userId}::pg_catalog.uuid and known.providers is not null
      and owner.raw_app_meta_data -> 'providers' is distinct from known.providers`.execute(tx)
}
