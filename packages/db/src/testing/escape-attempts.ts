/** SQL that tries to get out of a project's database; `{beta}` stands for another project's ref, `{self}` for the login itself. */
export interface EscapeAttempt {
  name: string
  sql: string
}

function attempts(kind: string, statements: Record<string, string>): EscapeAttempt[] {
  return Object.entries(statements).map(([name, sql]) => ({ name: `${kind}: ${name}`, sql }))
}

const FILES = attempts('files', {
  'copy from a program': `create temp table t1 (x text); copy t1 from program 'id'`,
  'copy to a program': `copy (select 1) to program 'cat > /tmp/polder-escape'`,
  'copy from a file': `create temp table t2 (x text); copy t2 from '/etc/passwd'`,
  'copy to a file': `copy (select 1) to '/tmp/polder-escape'`,
  'import a large object': `select lo_import('/etc/passwd')`,
  'export a large object': `select lo_export(1, '/tmp/polder-escape')`,
  'read a file': `select pg_read_file('/etc/passwd')`,
  'read a binary file': `select pg_read_binary_file('/etc/passwd')`,
  'list a folder': `select pg_ls_dir('/')`,
  'look at a file': `select pg_stat_file('/etc/passwd')`,
  'list the log': `select pg_ls_logdir()`,
  'name the log': `select pg_current_logfile()`,
  'list the WAL': `select pg_ls_waldir()`,
  'list temporary files': `select pg_ls_tmpdir()`,
  'find the data folder': `select current_setting('data_directory')`,
  'find pg_hba.conf': `select current_setting('hba_file')`,
  'make a tablespace': `create tablespace escape location '/tmp'`,
  'leave the dictionary folder': `create text search dictionary evil (template = simple, stopwords = '../../../etc/passwd')`,
  'leave the time zone folder': `set timezone = '../../../etc/passwd'`,
  'read the rules of entry': `select * from pg_hba_file_rules`,
  'read the settings files': `select * from pg_file_settings`,
  'read the build': `select * from pg_config`,
})

const LANGUAGES = attempts('code', {
  'a function in C': `create function evil() returns int language c as '/lib/x86_64-linux-gnu/libc.so.6', 'system'`,
  'an internal function': `create function evil() returns int language internal as 'pg_read_file'`,
  'load a library': `load 'pgcrypto'`,
  'load a library by path': `load '/tmp/evil.so'`,
  plperl: `create extension plperl`,
  plperlu: `create extension plperlu`,
  pltcl: `create extension pltcl`,
  plpython: `create extension plpython3u`,
  'a language of its own': `create language evil handler plpgsql_call_handler`,
  dblink: `create extension dblink`,
  postgres_fdw: `create extension postgres_fdw`,
  file_fdw: `create extension file_fdw`,
  lo: `create extension lo`,
  fuzzystrmatch: `create extension fuzzystrmatch`,
  pg_stat_statements: `create extension pg_stat_statements`,
  'a foreign data wrapper': `create foreign data wrapper evil`,
  'a foreign server': `create server evil foreign data wrapper postgres_fdw`,
  'an event trigger': `create function public.evil_event() returns event_trigger language plpgsql as 'begin end'; create event trigger evil on ddl_command_end execute function public.evil_event()`,
  'an access method': `create access method evil type index handler bthandler`,
  'a leakproof function': `create function public.evil_leak() returns int language sql leakproof as 'select 1'`,
  'an operator class': `create operator class public.evil default for type int4 using btree as function 1 btint4cmp(int4, int4)`,
})

const SETTINGS = attempts('settings', {
  'ALTER SYSTEM': `alter system set log_statement = 'all'`,
  'preload a library': `set session_preload_libraries = 'evil'`,
  'move the library path': `set dynamic_library_path = '/tmp'`,
  'skip triggers': `set session_replication_role = replica`,
  'change the catalogue': `set allow_system_table_mods = on`,
  'lift the limit on temporary files': `set temp_file_limit = -1`,
  'log more': `set log_min_messages = debug5; select set_config('log_statement', 'all', false)`,
  'open large objects': `set lo_compat_privileges = on`,
  reload: `do $$ begin perform pg_reload_conf(); end $$`,
  'rotate the log': `select pg_rotate_logfile()`,
  'switch the WAL': `select pg_switch_wal()`,
  'a restore point': `select pg_create_restore_point('x')`,
  promote: `select pg_promote()`,
})

const ROLES = attempts('roles', {
  superuser: `alter role {self} superuser`,
  'create roles': `alter role {self} createrole`,
  'create databases': `alter role {self} createdb`,
  replication: `alter role {self} replication`,
  'bypass row-level security': `alter role {self} bypassrls`,
  'more connections': `alter role {self} connection limit -1`,
  'a new role': `create role evil`,
  'become the superuser': `set role postgres`,
  'become platform_ctl': `set role platform_ctl`,
  'become another owner': `set role project_{beta}_owner`,
  'become another platform login': `set role project_{beta}_platform`,
  'be the superuser': `set session authorization postgres`,
  'be another owner': `set session authorization project_{beta}_owner`,
  'the password of another': `alter role project_{beta}_owner password 'x'`,
  'the password of platform_ctl': `alter role platform_ctl password 'x'`,
  'rename another': `alter role project_{beta}_owner rename to evil`,
  'a setting of another': `alter role project_{beta}_owner set search_path = evil`,
  'a setting of anon': `alter role anon set search_path = evil`,
  'drop another': `drop role project_{beta}_owner`,
  'drop a shared role': `drop role anon`,
  'read the verifiers': `select rolpassword from pg_authid`,
  'read the shadow': `select passwd from pg_shadow`,
  'read user mappings': `select * from pg_user_mapping`,
  'read subscriptions': `select subconninfo from pg_subscription`,
})

const DATABASES = attempts('databases', {
  'settings of its own': `alter database project_{alpha} set search_path = evil`,
  'limit of its own': `alter database project_{alpha} connection limit -1`,
  'a template of its own': `alter database project_{alpha} is_template true`,
  'rename its own': `alter database project_{alpha} rename to evil`,
  'own its own': `alter database project_{alpha} owner to {self}`,
  'settings of another': `alter database project_{beta} set search_path = evil`,
  'drop another': `drop database project_{beta}`,
  'drop the platform': `drop database platform`,
  'a new one': `create database evil`,
  'a copy of another': `create database evil template project_{beta}`,
  'size of another': `select pg_database_size('project_{beta}')`,
  'a subscription': `create subscription evil connection 'dbname=project_{beta}' publication p`,
  'a publication of everything': `create publication evil for all tables`,
  'a logical slot': `select pg_create_logical_replication_slot('evil', 'pgoutput')`,
  'a physical slot': `select pg_create_physical_replication_slot('evil')`,
  'drop a slot': `select pg_drop_replication_slot('other')`,
  'a message in the WAL': `select pg_logical_emit_message(true, 'polder', 'x')`,
  'prepare a transaction': `begin; prepare transaction 'evil'`,
})

const CATALOGUE = attempts('catalogue', {
  'write pg_class': `update pg_catalog.pg_class set relowner = 10`,
  'write pg_authid': `update pg_catalog.pg_authid set rolsuper = true`,
  'write pg_database': `update pg_catalog.pg_database set datallowconn = true`,
  'a table in pg_catalog': `create table pg_catalog.evil (x int)`,
  'a schema pg_evil': `create schema pg_evil`,
  sessions: `select * from pg_stat_activity`,
  'sessions by function': `select * from pg_stat_get_activity(null)`,
  'statistics of databases': `select * from pg_stat_database`,
  'settings of roles': `select * from pg_db_role_setting`,
  slots: `select * from pg_replication_slots`,
  'prepared transactions': `select * from pg_prepared_xacts`,
  replication: `select * from pg_stat_replication`,
  'lock pg_database': `lock table pg_catalog.pg_database in access exclusive mode`,
  'lock pg_authid': `lock table pg_catalog.pg_authid in access exclusive mode`,
  'rebuild shared catalogues': `reindex table pg_catalog.pg_authid`,
  'xpath, which cannot be stopped': `select xpath('/a', '<a/>'::xml)`,
  xpath_exists: `select xpath_exists('/a', '<a/>'::xml)`,
  'replace pgcrypto': `create or replace function extensions.gen_salt(text) returns text language sql as 'select null::text'`,
  'drop pgcrypto': `drop extension pgcrypto`,
})

/** Statements that every login of a project must be refused. */
export const ESCAPE_ATTEMPTS: readonly EscapeAttempt[] = [...FILES, ...LANGUAGES, ...SETTINGS, ...ROLES, ...DATABASES, ...CATALOGUE]

/** Statements that Postgres answers with success or with a warning, and that must change nothing outside the project. */
export const HARMLESS_ATTEMPTS: readonly EscapeAttempt[] = attempts('harmless', {
  'grant service_role to another': `grant service_role to project_{beta}_owner`,
  'grant itself to another': `grant {self} to project_{beta}_owner`,
  'revoke from another': `revoke anon from project_{beta}_authenticator`,
  'let everybody into its database': `grant connect on database project_{alpha} to public`,
  'let itself into another': `grant connect on database project_{beta} to {self}`,
  'drop what a shared role owns': `drop owned by anon`,
  'drop what platform_internal owns': `drop owned by platform_internal`,
  reassign: `reassign owned by anon to {self}`,
  'a setting in another database': `alter role {self} in database project_{beta} set search_path = evil`,
  'end other sessions': `do $$ begin perform pg_terminate_backend(pid) from generate_series(1, 1) g(pid); exception when others then null; end $$`,
  'tell everybody': `notify polder_events, 'x'`,
  'its own password': `alter role {self} password 'stolen'`,
})
