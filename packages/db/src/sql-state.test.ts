import { ServiceError } from '@polder/core'
import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { isConnectionLost, toServiceError } from './sql-state.ts'

function errorOf(code: string, fields: object = {}): DatabaseError {
  return Object.assign(new DatabaseError('message of the server', 1, 'error'), { code, ...fields })
}

test.each([
  ['23505', 'database.conflict'],
  ['23503', 'database.conflict'],
  ['40001', 'database.conflict'],
  ['57014', 'database.sql_timeout'],
  ['55P03', 'database.timeout'],
  ['53300', 'project.connections_exhausted'],
  ['53100', 'database.unavailable'],
  ['57P01', 'database.unavailable'],
  ['08006', 'database.unavailable'],
  ['3D000', 'database.unavailable'],
  ['42P01', 'database.table_not_found'],
  ['42601', 'database.sql_failed'],
  ['P0001', 'database.sql_failed'],
  ['XX000', 'system.unexpected'],
  ['', 'database.sql_failed'],
  ['constructor', 'database.sql_failed'],
])('SQLSTATE %s is %s', (state, code) => {
  expect(toServiceError(errorOf(state)).code).toBe(code)
})

test('what the server says of the statement is passed on; what it says of itself is not', () => {
  const failed = toServiceError(errorOf('42703', { hint: 'a hint', position: '8', table: 'notes' }))
  expect(failed).toMatchObject({
    message: 'message of the server',
    hint: 'a hint',
    details: { sqlState: '42703', position: 8, table: 'notes' },
  })
  const gone = toServiceError(errorOf('57P01'))
  expect(gone.message).not.toContain('message of the server')
  expect(gone.cause).toBeInstanceOf(DatabaseError)
})

test('a ServiceError stays, lost connections are known by their names, anything else is unexpected', () => {
  const own = new ServiceError('auth.email_taken')
  expect(toServiceError(own)).toBe(own)
  expect(toServiceError(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })).code).toBe('database.unavailable')
  expect(isConnectionLost(new Error('Connection terminated unexpectedly'))).toBe(true)
  expect(isConnectionLost(errorOf('23505'))).toBe(false)
  for (const odd of [new TypeError('x'), 'text', null, undefined, 42, {}]) {
    expect(toServiceError(odd).code).toBe('system.unexpected')
    expect(isConnectionLost(odd)).toBe(false)
  }
})
