import { sql, type Kysely } from 'kysely'
import type { ProjectTables } from '@polder/db'
import type { CodeChallenge } from '../pkce.ts'

type Tx = Kysely<ProjectTables>

export interface NewFlowState {
  id: string
  userId: string
  authCode: string
  challenge: CodeChallenge
  /** How the user will have signed in: GoTrue's name of the method. */
  method: string
  provider: string
}

/** Notes that whoever follows a link is sent back with a code, which only the holder of the verifier can exchange. Clears a few old ones. */
export async function insertFlowState(tx: Tx, state: NewFlowState): Promise<void> {
  await sql`
    delete from auth.flow_state where id in (
      select id from auth.flow_state where created_at < pg_catalog.now() - pg_catalog.make_interval(days => 2) limit 20
    )`.execute(tx)
  await sql`
    insert into auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge, provider_type, authentication_method,
      created_at, updated_at)
    values (${state.id}::pg_catalog.uuid, ${state.userId}::pg_catalog.uuid, ${state.authCode},
      ${state.challenge.method}::auth.code_challenge_method, ${state.challenge.challenge}, ${state.provider}, ${state.method},
      pg_catalog.now(), pg_catalog.now())`.execute(tx)
}

/** The code of the user's latest flow of this method, from now on ready to be exchanged. */
export async function issueAuthCode(tx: Tx, userId: string, method: string): Promise<string | undefined> {
  const result = await sql<{ code: string }>`
    update auth.flow_state set auth_code_issued_at = pg_catalog.now(), updated_at = pg_catalog.now()
    where id = (
      select id from auth.flow_state
      where user_id = ${userId}::pg_catalog.uuid and authentication_method = ${method} and code_challenge is not null
      order by created_at desc limit 1
    )
    returning auth_code as code`.execute(tx)
  return result.rows[0]?.code
}

export interface FlowState {
  id: string
  userId: string | null
  challenge: CodeChallenge | null
  method: string
  provider: string
  providerToken: string | null
  providerRefreshToken: string | null
  /** Since the flow began, or since the link was followed, for links that may lie in an inbox for a while. */
  ageSeconds: number
}

/** The flow with this code, with its row held, so that a code is exchanged once. */
export async function lockFlowState(tx: Tx, authCode: string): Promise<FlowState | undefined> {
  const result = await sql<FlowState>`
    select id, user_id as "userId", authentication_method as method, provider_type as provider,
      case when code_challenge is null then null
        else pg_catalog.json_build_object('method', code_challenge_method, 'challenge', code_challenge) end as challenge,
      provider_access_token as "providerToken", provider_refresh_token as "providerRefreshToken",
      coalesce(extract(epoch from pg_catalog.now() - coalesce(
        case when authentication_method <> 'oauth' then auth_code_issued_at end, created_at)), 'infinity')::pg_catalog.float8 as "ageSeconds"
    from auth.flow_state where auth_code = ${authCode} for update`.execute(tx)
  return result.rows[0]
}

/** Uses a flow up. */
export async function deleteFlowState(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('auth.flow_state').where('id', '=', id).execute()
}
