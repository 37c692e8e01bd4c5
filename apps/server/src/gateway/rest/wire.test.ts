import { ServiceError, type ErrorCode } from '@polder/core'
import { tokenRejected, type TokenRejectionReason } from '@polder/db'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { toErrorReply } from './wire.ts'

const { DatabaseError } = createRequire(new URL('../../../../../packages/db/package.json', import.meta.url))('pg') as {
  DatabaseError: new (message: string, length: number, name: 'error') => Error
}

function refused(code: string, message = 'no', detail?: string) {
  const cause = Object.assign(new DatabaseError(message, 0, 'error'), { code, detail })
  return toErrorReply(new ServiceError('rest.database_error', { message, cause }), false)
}

describe('an error of the database', () => {
  it.each([
    ['23505', 409],
    ['23503', 409],
    ['23502', 400],
    ['42P01', 404],
    ['42883', 404],
    ['42P17', 500],
    ['25006', 405],
    ['53300', 503],
    ['53400', 500],
    ['57014', 500],
    ['57P01', 503],
    ['0LP01', 403],
    ['28000', 403],
    ['P0001', 400],
    ['P0002', 500],
    ['PT418', 418],
    ['PT999', 500],
    ['PTabc', 500],
    ['22P02', 400],
    ['XX000', 500],
  ])('%s has the status %i', (code, status) => {
    const reply = refused(code)
    expect([reply.status, JSON.parse(reply.body)]).toEqual([status, { code, message: 'no', details: null, hint: null }])
  })

  it('tells by role, and by sentence, what one code leaves open', () => {
    const cause = Object.assign(new DatabaseError('permission denied', 0, 'error'), { code: '42501' })
    const error = new ServiceError('rest.database_error', { cause })
    const anonymous = toErrorReply(error, true)
    expect([anonymous.status, anonymous.headers[0]]).toEqual([401, ['WWW-Authenticate', 'Bearer']])
    expect(toErrorReply(error, false).status).toBe(403)
    expect(refused('21000', 'UPDATE requires a WHERE clause').status).toBe(400)
    expect(refused('21000', 'more than one row').status).toBe(500)
    expect(refused('22023', 'role "x" does not exist').status).toBe(401)
    expect(refused('42883', 'function xmlagg(json) does not exist').status).toBe(406)
  })

  it.each([
    ['{"code":"1","message":"m"}', undefined],
    ['not json', '{"status":200,"headers":{}}'],
    ['{"code":"1","message":"m"}', '{"status":"200"}'],
    ['[]', '{}'],
  ])('raised as PGRST with %s and %s is malformed', (message, detail) => {
    expect([refused('PGRST', message, detail).status, JSON.parse(refused('PGRST', message, detail).body).code]).toEqual([500, 'PGRST121'])
  })

  it('raised as PGRST cannot split the head of the answer', () => {
    const reply = refused(
      'PGRST',
      '{"code":"1","message":"m"}',
      '{"status":499,"status_text":"a\\r\\nb","headers":{"X-A":"1\\r\\nX-B: 2","Ok":"yes"}}',
    )
    expect([reply.status, reply.statusText, reply.headers.map(([name]) => name)]).toEqual([499, 'a  b', ['Ok', 'Proxy-Status']])
  })
})

describe('an error of ours', () => {
  it.each<[TokenRejectionReason, string]>([
    ['malformed', 'PGRST301'],
    ['algorithm', 'PGRST301'],
    ['signature', 'PGRST301'],
    ['expired', 'PGRST303'],
    ['not_yet_valid', 'PGRST303'],
    ['issued_in_future', 'PGRST303'],
    ['audience', 'PGRST303'],
    ['claim', 'PGRST303'],
  ])('a token refused as %s is %s', (reason, code) => {
    const reply = toErrorReply(tokenRejected(reason), true)
    expect([reply.status, JSON.parse(reply.body).code]).toEqual([401, code])
    expect(reply.headers.find(([name]) => name === 'WWW-Authenticate')?.[1]).toMatch(
      /^Bearer error="invalid_token", error_description=".+"$/,
    )
  })

  it.each<[ErrorCode, number]>([
    ['project.not_found', 404],
    ['project.not_active', 503],
    ['project.connections_exhausted', 503],
    ['database.unavailable', 503],
    ['request.rate_limited', 429],
    ['request.too_large', 413],
    ['system.busy', 503],
  ])('%s is %i, in the same form, with a time to try again where that helps', (code, status) => {
    const reply = toErrorReply(new ServiceError(code), true)
    expect([reply.status, Object.keys(JSON.parse(reply.body))]).toEqual([status, ['code', 'message', 'details', 'hint']])
    expect(reply.headers.some(([name]) => name === 'Retry-After')).toBe(status === 503 || status === 429)
  })

  it('says nothing of what nobody expected', () => {
    const reply = toErrorReply(new TypeError('secret detail'), false)
    expect(reply.status).toBe(500)
    expect(reply.body).not.toContain('secret')
  })
})
