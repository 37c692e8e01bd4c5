import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffLines } from './line-diff.ts'

const apply = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+', gap: '…' }[kind]}${text}`)

test('shows what was taken out and put in, with the lines around it', () => {
  expect(apply('a\nb\nc', 'a\nx\nc')).toEqual([' a', '-b', '+x', ' c'])
  expect(apply('', 'a')).toEqual(['+a'])
  expect(apply('1\n2\n3\n4\n5\n6\n7\n8', '1\n2\n3\n4\n5\n6\n7\nx')).toEqual(['…', ' 5', ' 6', ' 7', '-8', '+x'])
  expect(apply('same\n', 'same\n')).toEqual(['…'])
})

test('never loses a line that changed', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 }).map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after)
      const count = (kind: string) => lines.filter((line) => line.kind === kind).length
      const length = (given: string) => (given === '' ? 0 : given.split('\n').length)
      expect(length(after) - length(before)).toBe(count('added') - count('removed'))
    }),
    { numRuns: 200 },
  )
})
