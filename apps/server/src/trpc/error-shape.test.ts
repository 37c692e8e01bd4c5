import { ERROR_CATALOG, ERROR_KINDS, ServiceError, type ErrorCode } from '@polder/core'
import { TRPCError } from '@trpc/server'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toErrorShape, toKnownError, toRetryAfter, toTrpcError } from './error-shape.ts'

const shape = (error: unknown) => toErrorShape(toKnownError(error), { path: 'a.b', requestId: 'request-1' })

describe('an error', () => {
  test('of any code keeps its status', () => {
    for (const code of Object.keys(ERROR_CATALOG) as ErrorCode[]) {
      const status = ERROR_KINDS[ERROR_CATALOG[code].kind]
      expect([code, getHTTPStatusCodeFromError(toTrpcError(new ServiceError(code)))]).toEqual([code, status])
      expect(shape(new ServiceError(code)).data).toMatchObject({
        serviceCode: code,
        httpStatus: status,
        requestId: 'request-1',
        path: 'a.b',
      })
    }
  })

  test.each([
    new Error('canary'),
    new TypeError('canary'),
    new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'canary' }),
    new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: z.string().safeParse(1).error, message: 'canary' }),
    new ServiceError('system.unexpected', { message: 'canary', cause: new Error('canary') }),
    'canary',
    undefined,
  ])('nobody expected says nothing: %s', (error) => {
    const sent = JSON.stringify(shape(error))
    expect(sent).not.toContain('canary')
    expect(shape(error).data).toMatchObject({ serviceCode: 'system.unexpected', httpStatus: 500 })
  })

  test('of a lost connection is unavailability', () => {
    const lost = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' })
    expect(shape(lost).data).toMatchObject({ serviceCode: 'system.unavailable', httpStatus: 503 })
    expect(JSON.stringify(shape(lost))).not.toContain('5432')
  })

  test('of the input says where, not what', () => {
    const { error } = z.strictObject({ password: z.string().max(3), role: z.enum(['a']) }).safeParse({ password: 'canary', role: 'canary' })
    const sent = shape(new TRPCError({ code: 'BAD_REQUEST', cause: error }))
    expect(sent.data).toMatchObject({ serviceCode: 'request.invalid', details: [{ path: 'password' }, { path: 'role' }] })
    expect(JSON.stringify(sent)).not.toContain('canary')
  })

  test('that names a time to wait sets the header', () => {
    const busy = new ServiceError('system.busy', { details: { retryAfterSeconds: 2 } })
    const limited = toTrpcError(new ServiceError('request.rate_limited', { details: { retryAfterSeconds: 30 } }))
    expect(toRetryAfter([busy, limited, new Error('x')])).toEqual({ 'retry-after': '30' })
    expect(toRetryAfter([new Error('x')])).toEqual({})
  })
})
