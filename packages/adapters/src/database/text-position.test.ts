import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toTextPosition } from './text-position.ts'

describe('toTextPosition', () => {
  test('counts lines and columns from 1', () => {
    expect(toTextPosition('select 1', 1)).toEqual({ line: 1, column: 1, offset: 0 })
    expect(toTextPosition('select\n  x', 10)).toEqual({ line: 2, column: 3, offset: 9 })
  })

  test('takes every way of ending a line', () => {
    expect(toTextPosition('a\r\nb', 4)).toEqual({ line: 2, column: 1, offset: 3 })
    expect(toTextPosition('a\rb', 3)).toEqual({ line: 2, column: 1, offset: 2 })
    expect(toTextPosition('a\n\n\nb', 5)).toEqual({ line: 4, column: 1, offset: 4 })
  })

  test('counts an astral character once, though JavaScript counts it twice', () => {
    expect(toTextPosition("select '😀😀', x", 14)).toEqual({ line: 1, column: 14, offset: 15 })
  })

  test('the end of the text is where it ends', () => {
    expect(toTextPosition('select', 7)).toEqual({ line: 1, column: 7, offset: 6 })
    expect(toTextPosition('select', 5000)).toEqual({ line: 1, column: 7, offset: 6 })
    expect(toTextPosition('', 1)).toEqual({ line: 1, column: 1, offset: 0 })
  })

  const piece = fc.oneof(fc.constantFrom('\n', '\r', '\r\n', '😀', 'é', "'", ';', '\u2028'), fc.string({ unit: 'grapheme', maxLength: 4 }))
  const script = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

  test('property: the offset is that of the character that Postgres counted, and the line break count agrees with an editor', () => {
    fc.assert(
      fc.property(script, fc.nat({ max: 200 }), (text, seed) => {
        const characters = [...text]
        const position = (seed % (characters.length + 1)) + 1
        const before = characters.slice(0, position - 1).join('')
        const found = toTextPosition(text, position)
        expect(found.offset).toBe(before.length)
        // A CR just before an LF has not ended its line yet.
        const settled = before.endsWith('\r') && text[before.length] === '\n' ? before.slice(0, -1) : before
        const lines = settled.split(/\r\n|\r|\n/)
        expect(found.line).toBe(lines.length)
        expect(found.column).toBe([...(lines.at(-1) ?? '')].length + 1 + (before.length - settled.length))
      }),
      { numRuns: 1000 },
    )
  })
})
