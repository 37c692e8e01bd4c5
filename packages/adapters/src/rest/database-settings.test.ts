import { expect, test } from 'vitest'
import { withDatabaseSettings } from './database-settings.ts'
import { toDatabaseSettings, toRoleSettings } from './schema/transaction-settings.ts'
import { SETTINGS } from './testing/small-schema.ts'

test('settings of the role authenticator come before those of the project', () => {
  const rows = [
    { role: 'authenticator', setting: 'pgrst.db_schemas=test, v1,"' },
    { role: 'authenticator', setting: 'pgrst.db_extra_search_path=' },
    { role: 'authenticator', setting: 'pgrst.db_max_rows=7' },
    { role: 'authenticator', setting: 'pgrst.db_pre_request=test.gate' },
    { role: 'authenticator', setting: 'pgrst.db_aggregates_enabled=false' },
    { role: 'authenticator', setting: 'pgrst.db_tx_end=commit-allow-override' },
    { role: 'authenticator', setting: 'statement_timeout=1s' },
  ]
  expect(withDatabaseSettings(SETTINGS, toDatabaseSettings(rows))).toEqual({
    ...SETTINGS,
    schemas: ['test', 'v1', '"'],
    extraSearchPath: [],
    maxRows: 7,
    preRequest: 'test.gate',
    areAggregatesAllowed: false,
    transactionEnd: 'commit-allow-override',
  })
})

test('what makes no sense, or is not to be set in the database, changes nothing', () => {
  const texts = { db_max_rows: 'many', db_tx_end: 'never', db_schemas: '', db_anon_role: 'service_role', jwt_aud: 'x', __proto__x: 'y' }
  expect(withDatabaseSettings(SETTINGS, new Map(Object.entries(texts)))).toBe(SETTINGS)
})

test('settings of the roles that requests run as', () => {
  const rows = [
    { role: 'anon', setting: 'statement_timeout=3s' },
    { role: 'anon', setting: 'default_transaction_isolation=Repeatable Read' },
    { role: 'service_role', setting: 'work_mem=a=b' },
    { role: 'authenticator', setting: 'statement_timeout=8s' },
  ]
  expect([...toRoleSettings(rows)]).toEqual([
    ['anon', { isolation: 'repeatable read', settings: [['statement_timeout', '3s']] }],
    ['service_role', { isolation: undefined, settings: [['work_mem', 'a=b']] }],
  ])
})
