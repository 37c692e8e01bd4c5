import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toSizeText } from './bytes.ts'
import { toCsv } from './csv.ts'
import { toRelativeText } from './dates.ts'
import { toNextPath } from './next-path.ts'
import { toCounted, toDurationText } from './numbers.ts'
import { makePassword } from './password.ts'
import { toSafeLink } from './safe-link.ts'

describe('where to go after signing in', () => {
  test.each(['/projects', '/projects/abc?tab=1#x', '/'])('%s is kept', (next) => expect(toNextPath(next)).toBe(next))

  test.each([
    '',
    null,
    undefined,
    'projects',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil',
    'https://evil.example',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/\n/evil.example',
    '/a\\..\\evil',
    '/.//evil.example',
    '/..//evil.example',
    ' /projects',
    '/x/..//evil.example',
  ])('%j is not', (next) => expect(toNextPath(next)).toBe('/projects'))

  test('whatever is kept stays on this site', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'/\\.:@\t\n a?#%e2F'.split('')), maxLength: 12 }), (text) => {
        const resolved = new URL(toNextPath(`/${text}`), 'http://here.example')
        expect(resolved.origin).toBe('http://here.example')
        expect(new URL(resolved.pathname, 'http://here.example').origin).toBe('http://here.example')
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('CSV', () => {
  test('quotes, NULL and the empty text', () => {
    expect(
      toCsv(
        ['a', 'b,c'],
        [
          ['1', null],
          ['', 'say "hi"\nnow'],
        ],
      ),
    ).toBe('a,"b,c"\r\n1,\r\n"","say ""hi""\nnow"\r\n')
  })

  test.each(['=1+1', '+SUM(A1)', '-2+3', '@x', '\t=1', '\r=1', ' =1', '\n=cmd'])('%j is no formula any more', (cell) => {
    expect(
      toCsv(['x'], [[cell]])
        .split('\r\n')
        .slice(1)
        .join('\r\n')
        .replace(/^"/, '')
        .startsWith("'"),
    ).toBe(true)
  })

  test.each(['-5', '+5', '-1.5e10', '12', '-.5'])('%s stays a number', (cell) => expect(toCsv(['x'], [[cell]])).toBe(`x\r\n${cell}\r\n`))
})

test('sizes', () => {
  expect([0, 1023, 1536, 7_900_000, 5 * 1024 ** 3, -1].map(toSizeText)).toEqual(['0 B', '1023 B', '1.5 kB', '7.5 MB', '5 GB', '0 B'])
})

test('counts and durations', () => {
  expect([toCounted(1, 'row'), toCounted(12431, 'row'), toCounted(0, 'entry', 'entries')]).toEqual(['1 row', '12,431 rows', '0 entries'])
  expect([0.42, 57.4, 1234, 75_000].map(toDurationText)).toEqual(['0.4 ms', '57 ms', '1.23 s', '1 min 15 s'])
})

test('dates as people say them', () => {
  const now = Date.parse('2026-01-10T12:00:00Z')
  const texts = ['2026-01-10T11:59:55Z', '2026-01-10T11:57:00Z', '2026-01-09T12:00:00Z', '2026-01-12T12:00:00Z', 'nonsense']
  expect(texts.map((text) => toRelativeText(text, now))).toEqual(['now', '3 minutes ago', 'yesterday', 'in 2 days', '—'])
})

test('links are http, https or mailto', () => {
  expect(
    ['https://a.example/', 'mailto:a@b.example', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', 'x'].map(toSafeLink),
  ).toEqual(['https://a.example/', 'mailto:a@b.example', undefined, undefined, undefined, undefined])
})

test('passwords have their length and no look-alikes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 12, max: 64 }), (length) => {
      expect(makePassword(length)).toMatch(new RegExp(`^[a-km-zA-HJ-NP-Z2-9]{${length}}$`))
    }),
  )
})
