import type { ClusterWall } from '@polder/core'
import type { Client } from 'pg'
import { ALLOWED_EXTENSIONS } from './server-binaries.ts'
import { toVersionWarning } from './version-warning.ts'

interface Facts {
  version: number
  foreign: string[] | null
  locks: number
  prepared: number
  hasSettingsRight: boolean
  hasBypass: boolean
  isSuperuser: boolean
}

/** Which walls of the role model the cluster has, for the cluster's page, and the server's version. */
export async function inspectWalls(client: Client, writesHba: boolean): Promise<{ walls: ClusterWall[]; version: number }> {
  const { rows } = await client.query<Facts>(
    `select current_setting('server_version_num')::int as version,
       (select array_agg(name::text order by name) from pg_available_extensions where name <> all ($1)) as foreign,
       current_setting('max_locks_per_transaction')::int as locks,
       current_setting('max_prepared_transactions')::int as prepared,
       has_parameter_privilege('temp_file_limit', 'set') as "hasSettingsRight",
       (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as "hasBypass",
       (select rolsuper from pg_roles where rolname = current_user) as "isSuperuser"`,
    [ALLOWED_EXTENSIONS],
  )
  const facts = rows[0]
  if (!facts) throw new Error('The server does not answer.')
  return { walls: toWalls(facts, writesHba), version: facts.version }
}

function toWalls(facts: Facts, writesHba: boolean): ClusterWall[] {
  const warning = toVersionWarning(facts.version)
  const foreign = facts.foreign ?? []
  return [
    {
      name: 'entry',
      isStanding: writesHba,
      explanation: writesHba
        ? 'pg_hba.conf keeps superusers out of project databases, and every login in its own.'
        : 'pg_hba.conf of this server is not ours: logins are kept apart by the CONNECT privilege and by our code alone.',
    },
    { name: 'version', isStanding: warning === null, explanation: warning ?? 'No security fix that we know of is missing.' },
    {
      name: 'extensions',
      isStanding: foreign.length === 0,
      explanation:
        foreign.length === 0
          ? 'Only extensions that stay inside their database can be installed.'
          : `The server offers extensions beyond the safe ones: ${foreign.slice(0, 8).join(', ')}${foreign.length > 8 ? ` and ${foreign.length - 8} more` : ''}.`,
    },
    {
      name: 'catalog',
      isStanding: facts.isSuperuser,
      explanation: facts.isSuperuser
        ? "A project sees no other project's sessions, statistics or slots."
        : "Without a superuser, views such as pg_stat_activity stay open: a project sees other projects' sessions (not their queries).",
    },
    {
      name: 'settings',
      isStanding: facts.hasSettingsRight && facts.hasBypass,
      explanation:
        facts.hasSettingsRight && facts.hasBypass
          ? 'Limits on temporary files and on the log are set where a project cannot lift them.'
          : 'The server does not let us limit temporary files and log messages of a project, or make roles that bypass row-level security.',
    },
    {
      name: 'locks',
      isStanding: facts.locks >= 256 && facts.prepared === 0,
      explanation:
        facts.locks >= 256 && facts.prepared === 0
          ? 'The lock table is large, and transactions cannot be left prepared.'
          : 'Set max_locks_per_transaction = 512 and max_prepared_transactions = 0: one project can use up the locks of all.',
    },
  ]
}
