import { ServiceError } from '@polder/core'
import { describe, expect, test } from 'vitest'
import { createReport, toLoggedPath } from './report.ts'

function open(level = 'debug') {
  const lines: string[] = []
  return { lines, ...createReport({ level, destination: { write: (line) => void lines.push(line) } }) }
}

const request = { kind: 'request' as const, requestId: 'r', method: 'GET', path: '/x?apikey=canary', status: 200, durationMs: 1 }

describe('the report', () => {
  test('says requests only when they fail, take long, or are asked for', () => {
    const { observe, lines, counters } = open('info')
    observe(request)
    expect(lines).toHaveLength(0)
    observe({ ...request, durationMs: 1001 })
    observe({ ...request, status: 503 })
    expect(lines).toHaveLength(2)
    expect(counters.get('request')).toBe(3)
  })

  test('counts errors by their code and logs where they come from', () => {
    const { observe, lines, counters } = open()
    observe({ kind: 'error', code: 'system.unexpected', requestId: 'r', cause: new Error('outer', { cause: new Error('inner') }) })
    expect(counters.get('error.system.unexpected')).toBe(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      requestId: 'r',
      cause: { message: 'outer', cause: { message: 'inner' } },
    })
  })

  test('logs no keys, tokens or inputs, wherever they stand', () => {
    const { observe, lines } = open()
    observe(request)
    observe({ ...request, path: '/trpc/account.signIn?batch=1&input=%7B%22password%22%3A%22canary' })
    observe({ ...request, path: '/auth/v1/verify?type=x&token=canary&redirect_to=y' })
    observe({ kind: 'error', code: 'x', cause: new ServiceError('request.invalid', { details: { password: 'canary' } }) })
    observe({
      kind: 'error',
      code: 'x',
      cause: Object.assign(new Error('failed'), { parameters: ['canary'], where: 'canary', detail: 'canary' }),
    })
    expect(lines).toHaveLength(5)
    expect(lines.join('')).not.toContain('canary')
  })

  test('cuts paths that are longer than a line should be', () => {
    expect(toLoggedPath(`/x?apikey=${'a'.repeat(10_000)}`)).toBe('/x?apikey=……')
    expect(toLoggedPath(`/${'a'.repeat(10_000)}`)).toHaveLength(2001)
  })
})
