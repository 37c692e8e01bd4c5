-- What platform_ctl needs of a superuser: watching and ending sessions, and a way in when all connections are taken.
grant pg_monitor to platform_ctl;
grant pg_signal_backend to platform_ctl;
grant pg_use_reserved_connections to platform_ctl;

-- earlier versions set the limits of logins as platform_ctl
revoke set on parameter temp_file_limit from platform_ctl;
revoke set on parameter log_min_messages from platform_ctl;
revoke set on parameter log_min_error_statement from platform_ctl;

-- its statements carry verifiers of passwords: not even a failed one belongs in the log, nor what a function was doing meanwhile
alter role platform_ctl set log_min_error_statement = 'panic';
alter role platform_ctl set log_statement = 'none';
alter role platform_ctl set log_min_duration_statement = -1;
alter role platform_ctl set log_error_verbosity = 'terse';
