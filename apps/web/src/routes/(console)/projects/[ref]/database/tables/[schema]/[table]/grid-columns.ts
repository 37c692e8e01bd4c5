import type { Table } from '#lib/data/wire.ts'
import type { GridColumn } from '#lib/grid/column-layout.ts'

/** The grid's columns, with marks for primary and foreign keys. */
export function toGridColumns(columns: { name: string; type: string }[], table: Table | undefined): GridColumn[] {
  return columns.map(({ name, type }) => {
    const known = table?.columns.find((column) => column.name === name)
    if (known?.isPrimaryKey) return { name, type, mark: 'key', title: 'primary key' }
    if (!known?.references) return { name, type }
    const { schema, table: other, column } = known.references
    return { name, type, mark: 'reference', title: `refers to ${schema}.${other}.${column}` }
  })
}
