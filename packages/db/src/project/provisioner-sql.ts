import { escapeIdentifier } from 'pg'
import { toDatabaseName, toLoginName, type ProjectLogin } from './project-names.ts'

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

function loginsOf(ref: string): Record<ProjectLogin, string> {
  const name = (login: ProjectLogin) => escapeIdentifier(toLoginName(ref, login))
  return { owner: name('owner'), authenticator: name('authenticator'), platform: name('platform'), backup: name('backup') }
}
