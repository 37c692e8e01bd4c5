import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findVisibleColumns, moveCell, toColumnEdges } from './column-layout.ts'

const columns = fc.array(fc.record({ name: fc.string({ maxLength: 63 }), type: fc.string({ maxLength: 40 }) }), {
  minLength: 1,
  maxLength: 60,
})

test('columns have a width within bounds, whatever they hold', () => {
  fc.assert(
    fc.property(
      columns,
      fc.array(fc.array(fc.option(fc.string({ maxLength: 500 })), { maxLength: 60 }), { maxLength: 5 }),
      (list, rows) => {
        const edges = toColumnEdges(list, rows)
        expect(edges).toHaveLength(list.length + 1)
        for (let index = 0; index < list.length; index++) {
          const width = edges[index + 1]! - edges[index]!
          expect(width).toBeGreaterThanOrEqual(64)
          expect(width).toBeLessThanOrEqual(380)
        }
      },
    ),
  )
})

test('the columns in sight cover the window', () => {
  fc.assert(
    fc.property(columns, fc.nat(20_000), fc.integer({ min: 1, max: 3_000 }), (list, left, width) => {
      const edges = toColumnEdges(list, [])
      const [first, end] = findVisibleColumns(edges, left, width)
      expect(first).toBeLessThan(end)
      if (left < edges.at(-1)!) expect(edges[first]!).toBeLessThanOrEqual(left)
      expect(edges[end]! >= left + width || end === list.length).toBe(true)
    }),
  )
})

test('keys move within the grid, or not at all', () => {
  const size = { rows: 100, columns: 5, page: 10 }
  const from = { row: 50, column: 2 }
  const at = (key: string, hasControl = false) => moveCell(from, { key, hasControl }, size)
  expect([at('ArrowDown'), at('ArrowUp', true), at('End'), at('Home', true), at('PageDown'), at('x')]).toEqual([
    { row: 51, column: 2 },
    { row: 0, column: 2 },
    { row: 50, column: 4 },
    { row: 0, column: 0 },
    { row: 60, column: 2 },
    undefined,
  ])
  expect(moveCell({ row: 99, column: 4 }, { key: 'PageDown', hasControl: false }, size)).toEqual({ row: 99, column: 4 })
})
