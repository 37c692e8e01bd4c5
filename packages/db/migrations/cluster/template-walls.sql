-- What a project may not see or call in pg_catalog; needs a superuser. Each database has its own copy of these rights.

-- sessions, settings and slots of other projects
revoke select on pg_catalog.pg_stat_activity, pg_catalog.pg_stat_database, pg_catalog.pg_db_role_setting, pg_catalog.pg_replication_slots,
  pg_catalog.pg_prepared_xacts, pg_catalog.pg_stat_replication from public;
revoke execute on function pg_catalog.pg_stat_get_activity(int) from public;
grant select on pg_catalog.pg_stat_activity, pg_catalog.pg_stat_database, pg_catalog.pg_db_role_setting to pg_monitor;

-- messages in the WAL that look like the platform's own
revoke execute on function pg_catalog.pg_logical_emit_message(bool, text, text, bool), pg_catalog.pg_logical_emit_message(bool, text, bytea, bool)
  from public;

-- libxml's loops end neither at statement_timeout nor when their session is terminated
revoke execute on function pg_catalog.xpath(text, xml), pg_catalog.xpath(text, xml, text[]), pg_catalog.xpath_exists(text, xml),
  pg_catalog.xpath_exists(text, xml, text[]), pg_catalog.xmlexists(text, xml) from public;
