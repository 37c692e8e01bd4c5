import { expect, test } from 'vitest'
import { toProcedureType } from './verbs.ts'

test.each([
  ['list', 'query'],
  ['listUsers', 'query'],
  ['getConnection', 'query'],
  ['findInvitation', 'query'],
  ['wait', 'query'],
  ['isOpen', 'query'],
  ['watch', 'subscription'],
  ['watchAll', 'subscription'],
  ['create', 'mutation'],
  ['issue', 'mutation'],
  ['listen', 'mutation'],
  ['getaway', 'mutation'],
  ['runSql', 'mutation'],
])('%s is a %s', (name, type) => {
  expect(toProcedureType(name)).toBe(type)
})
