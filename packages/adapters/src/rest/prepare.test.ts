import { ServiceError, isServiceError } from '@polder/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bind } from './bind.ts'
import type { RestRequest } from './parse/api-request.ts'
import { prepare } from './prepare.ts'
import { readRequest, readResource } from './read-request.ts'
import { SETTINGS, makeSmallSchema } from './testing/small-schema.ts'

const schema = makeSmallSchema()

function plan(request: Partial<RestRequest> & { path: string }) {
  const whole: RestRequest = { method: 'GET', query: '', headers: {}, body: null, ...request }
  const resource = readResource(whole.path)
  if (resource.kind === 'root') throw new ServiceError('rest.relation_not_found')
  const read = readRequest(SETTINGS, whole, resource)
  const prepared = prepare(schema, SETTINGS, read.toApiRequest())
  const { slots, payload, range } = read
  return { read, prepared, values: bind(prepared.statement.parameters, { slots, payload, range, maxRows: SETTINGS.maxRows }) }
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const hostile = fc.constantFrom(
  "'",
  '"',
  '\\',
  '--',
  ';',
  '$1',
  '/*',
  '*/',
  '::',
  '(',
  ')',
  '{',
  '}',
  ',',
  '.',
  '%00',
  '\u0000',
  '\ud800',
  'null',
  'not.',
  'in.',
)
const nasty = fc.array(fc.oneof(hostile, text), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
const encode = (value: string) => encodeURIComponent(value.toWellFormed())

describe('the text of a statement', () => {
  it('is the same whatever the values are', () => {
    const value = fc.tuple(nasty, nasty, fc.nat(1000), fc.nat(1000))
    const make = ([one, two, limit, offset]: [string, string, number, number]) =>
      plan({
        path: '/clients',
        query: `name=eq.${encode(one)}&data->>key=like.${encode(two)}&select=id,projects(name)&projects.name=neq.${encode(one)}&limit=${limit + 1}&offset=${offset}`,
      })
    const usual = make(['a', 'b', 1, 1])
    fc.assert(
      fc.property(value, (values) => {
        const { read, prepared } = make(values)
        expect(prepared.statement.text).toBe(usual.prepared.statement.text)
        if (read.key !== null) expect(read.key).toBe(usual.read.key)
      }),
      { numRuns: 300 },
    )
  })

  it('never has a literal that a request could have written, but for quoted names', () => {
    const fields = fc.tuple(nasty, nasty, nasty, fc.constantFrom('eq', 'not.in', 'fts(english)', 'like(any)', 'cs', 'is', 'wfts'))
    fc.assert(
      fc.property(fields, ([column, alias, value, operator]) => {
        const query = `select=${encode(alias)}:${encode(column)}&${encode(column)}=${operator}.${encode(value)}&or=(${encode(column)}.${operator}.${encode(value)})`
        const statement = tryPlan(() => plan({ path: '/clients', query }).prepared.statement.text)
        if (statement === undefined) return
        expect(withoutNames(statement)).toMatch(PLAIN_SQL)
      }),
      { numRuns: 500 },
    )
  })

  it('is the same for values inside logic trees and function calls', () => {
    const tree = (value: string) => plan({ path: '/clients', query: `or=(id.eq.${value},and(name.not.like.${value},id.gt.${value}))` })
    expect(tree('5').prepared.statement.text).toBe(tree('a b*').prepared.statement.text)
    expect(tree('5').read.key).toBe(tree('a b*').read.key)
    expect(tree('7').values).toEqual(['7', '7', '7', '1000'])
    expect(plan({ path: '/rpc/add', query: 'a=1&b=2' }).read.key).toBe(plan({ path: '/rpc/add', query: 'a=3&b=%27' }).read.key)
    expect(plan({ path: '/rpc/add', query: 'a=1&b=2' }).values).toEqual(['1', '2', '1000'])
  })
})

const PLAIN_SQL = /^[\sA-Za-z0-9_$.,*():=<>@&|~\-'[\]"+/]*$/

/** The statement without quoted names and without the few literals that are our own. */
function withoutNames(statement: string): string {
  const names = statement.replaceAll(/"(?:[^"]|"")*"/g, '"n"')
  expect(names.replaceAll(/'(?:\[\]|response\.headers|response\.status|)'/g, '')).not.toContain("'")
  return names
}

function tryPlan<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isServiceError(error)) return undefined
    throw error
  }
}

describe('any request', () => {
  it('is planned, or refused with a coded error', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'select',
        'order',
        'or',
        'and',
        'not.and',
        'limit',
        'offset',
        'columns',
        'on_conflict',
        'id',
        'name',
        'projects',
        'projects.limit',
        'projects.order',
        'projects.or',
        '*',
        '__proto__',
        'constructor',
      ),
      nasty,
    )
    const value = fc.oneof(
      fc.constantFrom(
        '*',
        'id,name',
        'projects(*)',
        '...projects(id)',
        'count()',
        'id.sum()',
        'eq.1',
        'in.(1,2)',
        'is.null',
        '(id.eq.1,not.and(id.eq.2))',
        'id.desc.nullslast',
        '-1',
        '99999999999999999999',
        'projects(id).desc',
        '__proto__',
      ),
      nasty,
    )
    const request = fc.record({
      method: fc.constantFrom('GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'TRACE'),
      path: fc.oneof(
        fc.constantFrom('/clients', '/rpc/add', '/projects', '/__proto__', '/rpc/constructor', '/a/b/c'),
        nasty.map((path) => `/${encode(path)}`),
      ),
      query: fc
        .array(fc.tuple(word, value), { maxLength: 5 })
        .map((pairs) => pairs.map(([name, of]) => `${encode(name)}=${encode(of)}`).join('&')),
      headers: fc.record({
        accept: fc.option(
          fc.oneof(fc.constantFrom('text/csv', 'application/vnd.pgrst.object+json', 'application/vnd.pgrst.plan; for="x/y"'), nasty),
          { nil: undefined },
        ),
        prefer: fc.option(
          fc.oneof(
            fc.constantFrom('return=representation', 'count=exact', 'handling=strict', 'resolution=merge-duplicates', 'missing=default'),
            nasty,
          ),
          { nil: undefined },
        ),
        range: fc.option(fc.oneof(fc.constantFrom('0-1', '5-2', '-'), nasty), { nil: undefined }),
        'content-type': fc.option(
          fc.constantFrom('application/json', 'text/csv', 'application/x-www-form-urlencoded', 'text/plain', 'application/octet-stream'),
          { nil: undefined },
        ),
        'accept-profile': fc.option(nasty, { nil: undefined }),
      }),
      body: fc.option(
        fc.oneof(
          fc.json().map((json) => Buffer.from(json)),
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          nasty.map((body) => Buffer.from(body)),
        ),
      ),
    })
    fc.assert(
      fc.property(request, (each) => {
        tryPlan(() => plan(each))
      }),
      { numRuns: 3000 },
    )
  })

  it('has no more of a query string in its key than what shapes the statement', () => {
    const one = plan({ path: '/clients', query: 'id=eq.1&name=in.(a,b)' })
    const other = plan({ path: '/clients', query: 'id=eq.2&name=in.("c,d",e,f)' })
    expect(one.read.key).toBe(other.read.key)
    expect(other.values.slice(0, 2)).toEqual(['2', '{"c,d","e","f"}'])
    expect(plan({ path: '/clients', query: 'id=neq.1&name=in.(a,b)' }).read.key).not.toBe(one.read.key)
    expect(plan({ path: '/clients', query: 'name=eq.%00' }).read.key).not.toBeNull()
    expect(plan({ path: '/clients', query: 'na%00me=eq.1' }).read.key).toBeNull()
  })

  it('may not nest without end', () => {
    const deep = (open: string, close: string) => `${open.repeat(2000)}id.eq.1${close.repeat(2000)}`
    expect(() => plan({ path: '/clients', query: `or=${deep('(and(', '))')}` })).toThrow('nested')
    expect(() => plan({ path: '/clients', query: `select=${deep('projects(clients(', '))')}` })).toThrow('nested')
  })
})
