import { expect, test } from 'vitest'
import { toLoggedDatabaseMessage } from './logged-database-message.ts'

test.each([
  ['22P02', 'invalid input syntax for type integer: "hunter2"', 'invalid input syntax for type integer: "…"'],
  ['42601', 'syntax error at or near "hunter2"', 'syntax error at or near "…"'],
  ['22007', 'invalid value "hunter2 for x', 'invalid value "…"'],
  [
    '23505',
    'duplicate key value violates unique constraint "users_email_key"',
    'duplicate key value violates unique constraint "users_email_key"',
  ],
  ['42501', 'permission denied for table orders', 'permission denied for table orders'],
])('%s: %s', (sqlState, message, logged) => expect(toLoggedDatabaseMessage(sqlState, message)).toBe(logged))
