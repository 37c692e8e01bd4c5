export interface GridColumn {
  name: string
  type: string
  /** A sign in front of the name. */
  mark?: 'key' | 'reference'
  /** Says the same in words. */
  title?: string
}

const CHARACTER_PX = 7.9
const PADDING_PX = 22
const MIN_PX = 64
const MAX_PX = 380
const LOOKED_AT = 60

/** Left edges of the columns, and the right edge of the last: wide enough for what the first rows hold. */
export function toColumnEdges(columns: GridColumn[], rows: (string | null)[][]): number[] {
  const edges = [0]
  columns.forEach((column, index) => {
    let characters = Math.max(column.name.length + (column.mark ? 3 : 0) + 2, column.type.length * 0.85)
    for (const row of rows.slice(0, LOOKED_AT)) characters = Math.max(characters, Math.min(row[index]?.length ?? 4, 60))
    edges.push(edges[index]! + Math.round(Math.min(MAX_PX, Math.max(MIN_PX, characters * CHARACTER_PX + PADDING_PX))))
  })
  return edges
}

/** The first and one past the last column that are in sight. */
export function findVisibleColumns(edges: number[], left: number, width: number): [number, number] {
  const count = edges.length - 1
  let first = 0
  while (first < count - 1 && edges[first + 1]! <= left) first++
  let end = first + 1
  while (end < count && edges[end]! < left + width) end++
  return [first, Math.min(end, count)]
}

/** Where a key moves the active cell; undefined for keys that move nothing. */
export function moveCell(
  { row, column }: { row: number; column: number },
  { key, hasControl }: { key: string; hasControl: boolean },
  { rows, columns, page }: { rows: number; columns: number; page: number },
): { row: number; column: number } | undefined {
  const clamp = (value: number, count: number) => Math.max(0, Math.min(count - 1, value))
  switch (key) {
    case 'ArrowDown':
      return { row: hasControl ? rows - 1 : clamp(row + 1, rows), column }
    case 'ArrowUp':
      return { row: hasControl ? 0 : clamp(row - 1, rows), column }
    case 'ArrowRight':
      return { row, column: hasControl ? columns - 1 : clamp(column + 1, columns) }
    case 'ArrowLeft':
      return { row, column: hasControl ? 0 : clamp(column - 1, columns) }
    case 'PageDown':
      return { row: clamp(row + page, rows), column }
    case 'PageUp':
      return { row: clamp(row - page, rows), column }
    case 'Home':
      return { row: hasControl ? 0 : row, column: 0 }
    case 'End':
      return { row: hasControl ? rows - 1 : row, column: columns - 1 }
    default:
      return undefined
  }
}
