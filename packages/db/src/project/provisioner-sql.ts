import { escapeIdentifier, escapeLiteral } from 'pg'
import { PROJECT_LOGINS, toDatabaseName, toLoginName, type ProjectLogin } from './project-names.ts'

/** Attributes of each login. A project's code can act with the rights of any of them, so none reaches beyond its database. */
const ATTRIBUTES: Record<ProjectLogin, string> = {
  owner: 'login inherit connection limit 10',
  authenticator: 'login noinherit connection limit 40',
  platform: 'login inherit connection limit 20',
  backup: 'login inherit bypassrls connection limit 3',
}

const OWNER_PATH = `"$user", public, extensions`

/** Settings of each login; those that need a superuser's right cannot be undone by the project. */
const SETTINGS: Record<ProjectLogin, [name: string, value: string][]> = {
  owner: [
    ['search_path', OWNER_PATH],
    ['temp_file_limit', quote('1GB')],
    ['log_min_messages', 'fatal'],
    ['log_min_error_statement', 'panic'],
  ],
  authenticator: [
    ['search_path', OWNER_PATH],
    ['statement_timeout', quote('30s')],
    ['idle_in_transaction_session_timeout', quote('60s')],
    ['temp_file_limit', quote('256MB')],
    ['log_min_messages', 'fatal'],
    ['log_min_error_statement', 'panic'],
  ],
  platform: [
    ['search_path', 'pg_catalog'],
    ['lock_timeout', quote('5s')],
    ['idle_in_transaction_session_timeout', quote('60s')],
    ['log_min_error_statement', 'panic'],
  ],
  backup: [['search_path', 'pg_catalog']],
}

const SUPERUSER_SETTINGS = ['temp_file_limit', 'log_min_messages', 'log_min_error_statement']

export interface RolesSqlOptions {
  /** Roles that are there already: they are altered instead of created. */
  existing: ReadonlySet<string>
  /** Whether platform_ctl may set what needs a superuser's right. */
  hasSettingsRight: boolean
  /** Whether platform_ctl can give BYPASSRLS. */
  hasBypass: boolean
}

/** The project's group and logins with their memberships and settings; `verifiers` are SCRAM verifiers. */
export function toRolesSql(ref: string, verifiers: Record<ProjectLogin, string>, options: RolesSqlOptions): string {
  const group = escapeIdentifier(toDatabaseName(ref))
  const logins = loginsOf(ref)
  const verb = (name: string) => (options.existing.has(name) ? 'alter' : 'create')
  const all = PROJECT_LOGINS.map((login) => logins[login]).join(', ')
  return [
    `${verb(toDatabaseName(ref))} role ${group} nologin`,
    ...PROJECT_LOGINS.map((login) => {
      const attributes = options.hasBypass ? ATTRIBUTES[login] : ATTRIBUTES[login].replace('bypassrls', '')
      return `${verb(toLoginName(ref, login))} role ${logins[login]} ${attributes} password ${escapeLiteral(verifiers[login])}`
    }),
    `grant ${group} to ${all} with inherit false, set false`,
    `grant anon, authenticated, service_role to ${logins.authenticator}, ${logins.owner} with inherit false, set true`,
    `grant project_owner to ${logins.owner} with inherit true, set true`,
    `grant platform_internal to ${logins.platform} with inherit true, set true`,
    // not pg_read_all_data, which reads the password verifiers of the whole cluster
    `grant ${logins.owner}, anon, authenticated, service_role to ${logins.backup} with inherit true, set false`,
    ...PROJECT_LOGINS.flatMap((login) =>
      SETTINGS[login]
        .filter(([name]) => options.hasSettingsRight || !SUPERUSER_SETTINGS.includes(name))
        .map(([name, value]) => `alter role ${logins[login]} set ${name} = ${value}`),
    ),
  ].join(';\n')
}

/** Who may connect, and that anybody may at all: the last step of a project's making. */
export function toOpenSql(ref: string): string {
  const database = escapeIdentifier(toDatabaseName(ref))
  const logins = loginsOf(ref)
  return [
    `revoke all on database ${database} from public`,
    `grant connect on database ${database} to ${logins.authenticator}, ${logins.platform}, ${logins.backup}, platform_repl`,
    `grant connect, create, temporary on database ${database} to ${logins.owner}`,
    `alter database ${database} with allow_connections true`,
  ].join(';\n')
}

/** Supabase's default privileges, for whatever the owner makes in `public`; the owner itself must say it. */
export const DEFAULT_PRIVILEGES_SQL = ['tables', 'sequences', 'routines']
  .map((kind) => `alter default privileges in schema public grant all on ${kind} to anon, authenticated, service_role`)
  .join(';\n')

/** Takes from roles that cannot be dropped yet all that they could do. */
export function toTombstoneSql(role: string, memberOf: readonly string[]): string {
  const name = escapeIdentifier(role)
  return [
    `alter role ${name} nologin password null connection limit 0`,
    `alter role ${name} reset all`,
    ...memberOf.map((group) => `revoke ${escapeIdentifier(group)} from ${name}`),
    `comment on role ${name} is 'tombstone'`,
  ].join(';\n')
}

function loginsOf(ref: string): Record<ProjectLogin, string> {
  const name = (login: ProjectLogin) => escapeIdentifier(toLoginName(ref, login))
  return { owner: name('owner'), authenticator: name('authenticator'), platform: name('platform'), backup: name('backup') }
}

function quote(text: string): string {
  return escapeLiteral(text)
}
