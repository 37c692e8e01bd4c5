import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fitsGlob, isGlob } from './uri-glob.ts'

describe('a pattern fits', () => {
  test.each([
    ['http://localhost:3000', 'http://localhost:3000', true],
    ['http://localhost:3000', 'http://localhost:3000/', false],
    ['http://localhost:3000/*', 'http://localhost:3000/welcome', true],
    ['http://localhost:3000/*', 'http://localhost:3000/', true],
    ['http://localhost:3000/*', 'http://localhost:3000/welcome/back', false],
    ['http://localhost:3000/**', 'http://localhost:3000/welcome/back.html?a=1', true],
    ['https://*.example.com', 'https://app.example.com', true],
    ['https://*.example.com', 'https://a.b.example.com', false],
    ['https://**.example.com', 'https://a.b.example.com', true],
    ['https://*.example.com', 'https://app.example.com.evil.test', false],
    ['https://*-team.vercel.app/**', 'https://branch-team.vercel.app/a/b', true],
    ['https://exampl?.com', 'https://example.com', true],
    ['https://exampl?.com', 'https://exampl..com', false],
    ['https://[ab]pp.test', 'https://app.test', true],
    ['https://[!ab]pp.test', 'https://app.test', false],
    ['https://[a-c]pp.test', 'https://cpp.test', true],
    ['https://[!a-c]pp.test', 'https://dpp.test', true],
    ['https://{app,www}.example.com/{a,b/*}', 'https://www.example.com/b/c', true],
    ['https://{app,www}.example.com', 'https://api.example.com', false],
    ['{a,{b,c}}d', 'cd', true],
    ['myapp://callback', 'myapp://callback', true],
    ['com.example.app:/*', 'com.example.app:/here', true],
    [String.raw`a\*b`, 'a*b', true],
    [String.raw`a\*b`, 'axb', false],
    [String.raw`{a\,b,c}`, 'a,b', true],
    ['**', 'anything/at.all', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s, %s: %s', (pattern, text, expected) => expect(fitsGlob(pattern, text)).toBe(expected))
})

test.each(['[', '[]', '[!]', '{', '}', '{a', 'a}', '{a,{b}', '\\', `${'{a,b}'.repeat(9)}`])(
  '%s is no pattern, and fits nothing',
  (pattern) => {
    expect(isGlob(pattern)).toBe(false)
    expect(fitsGlob(pattern, pattern)).toBe(false)
  },
)

test('a text without special characters fits itself and nothing else', () => {
  const plain = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll(/[*?[\]{}\\!]/gu, ''))
  fc.assert(
    fc.property(plain, plain, (one, other) => {
      expect(fitsGlob(one, one)).toBe(true)
      expect(fitsGlob(one, other)).toBe(one === other)
    }),
    { numRuns: 300 },
  )
})

test('agrees with a regular expression, where one can be written', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '*', '?'), maxLength: 8 })
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/'), maxLength: 8 })
  const toRegExp = (pattern: string) => {
    const source = pattern
      .replaceAll('.', String.raw`\.`)
      .replaceAll(/\*{2,}/g, 'ANY')
      .replaceAll(/[*?]/g, (one) => (one === '*' ? '[^./]*' : '[^./]'))
    return new RegExp(`^${source.replaceAll('ANY', '.*')}$`)
  }
  fc.assert(
    fc.property(letters, texts, (pattern, text) => {
      expect([pattern, text, fitsGlob(pattern, text)]).toEqual([pattern, text, toRegExp(pattern).test(text)])
    }),
    { numRuns: 2_000 },
  )
})

test('no pattern takes long, whatever it is held against', () => {
  const start = performance.now()
  for (const pattern of ['**a'.repeat(160), '*'.repeat(500), '{a,b}{a,b}{a,b}**a**b**a**b', `${'*a'.repeat(200)}b`]) {
    fitsGlob(pattern, 'a'.repeat(2_000))
  }
  expect(performance.now() - start).toBeLessThan(3_000)
})
