-- The ledger itself: which migrations this database has. Its table is made before the first file is read; here are its rights.

comment on schema polder is 'What the platform keeps about this database.';
comment on table polder.migrations is 'The migrations that this database has, in order.';
revoke all on polder.migrations from public;
