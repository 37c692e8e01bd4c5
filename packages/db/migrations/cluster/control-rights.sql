-- What platform_ctl needs of a superuser: watching and ending sessions, a way in when all connections are taken, and settings
-- of logins that their owner cannot undo.
grant pg_monitor to platform_ctl;
grant pg_signal_backend to platform_ctl;
grant pg_use_reserved_connections to platform_ctl;
grant set on parameter temp_file_limit to platform_ctl;
grant set on parameter log_min_messages to platform_ctl;
grant set on parameter log_min_error_statement to platform_ctl;

-- its statements carry verifiers of passwords: not even a failed one belongs in the log
alter role platform_ctl set log_min_error_statement = 'panic';
alter role platform_ctl set log_statement = 'none';
alter role platform_ctl set log_min_duration_statement = -1;
