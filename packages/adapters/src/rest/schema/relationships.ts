import type { KeyRow } from '../queries/catalog.ts'
import { type ColumnPair, type QualifiedName, type Relationship, type Table, nameKey } from './schema.ts'

type Detected = Extract<Relationship, { kind: 'detected' }>

/** The columns of a key as a view shows them: for each column of the table, the view's names for it. */
export interface ViewKey {
  view: QualifiedName
  columns: { name: string; viewColumns: string[] }[]
}

/** Views that show all columns of a key, by `constraint NUL table oid NUL side`. */
export type ViewKeys = Map<string, ViewKey[]>

export function viewKeyOf(key: KeyRow, side: 'own' | 'foreign'): string {
  return `${key.name}\u0000${key.oid}\u0000${side}`
}

/** All relationships that follow from foreign keys: of tables, of the views over them, the inverse ones, and those through junctions. */
export function toRelationships(keys: readonly KeyRow[], viewKeys: ViewKeys, tables: ReadonlyMap<string, Table>): Detected[] {
  const uniques = new Map<string, Set<string>>()
  for (const key of keys) {
    if (key.type === 'f') continue
    const known = uniques.get(key.oid) ?? new Set()
    uniques.set(key.oid, known.add(numbersOf(key)))
  }
  const direct = keys.filter((key) => key.type === 'f').flatMap((key) => fromForeignKey(key, uniques, viewKeys))
  const withJunctions = [...direct, ...throughJunctions(direct, tables)]
  return [...withJunctions, ...withJunctions.flatMap(invert)]
}

function numbersOf(key: KeyRow): string {
  return key.columns
    .map(({ number }) => number)
    .toSorted((left, right) => left - right)
    .join(',')
}

function fromForeignKey(key: KeyRow, uniques: Map<string, Set<string>>, viewKeys: ViewKeys): Detected[] {
  const isOneToOne = uniques.get(key.oid)?.has(numbersOf(key)) ?? false
  const table = { schema: key.schema, name: key.table }
  const foreign = { schema: key.foreignSchema ?? '', name: key.foreignTable ?? '' }
  const own = key.columns.map(({ name }) => name)
  const other = (key.foreignColumns ?? []).map(({ name }) => name)
  const make = (
    from: QualifiedName,
    fromColumns: string[],
    isTableView: boolean,
    to: QualifiedName,
    toColumns: string[],
    isForeignView: boolean,
  ): Detected => {
    const columns = fromColumns.map((column, index): ColumnPair => [column, toColumns[index] ?? ''])
    const cardinality = isOneToOne
      ? { kind: 'one_to_one' as const, constraint: key.name, columns, isParent: false }
      : { kind: 'many_to_one' as const, constraint: key.name, columns }
    // A view over both ends of its own key is no relationship with itself but of two roles, as in a table.
    const isSelf = isTableView === isForeignView && nameKey(from) === nameKey(to)
    return { kind: 'detected', table: from, foreign: to, isSelf, cardinality, isTableView, isForeignView }
  }
  const ownViews = (viewKeys.get(viewKeyOf(key, 'own')) ?? []).flatMap(spellings)
  const foreignViews = (viewKeys.get(viewKeyOf(key, 'foreign')) ?? []).flatMap(spellings)
  return [
    make(table, own, false, foreign, other, false),
    ...ownViews.map(({ view, columns }) => make(view, columns, true, foreign, other, false)),
    ...foreignViews.map(({ view, columns }) => make(table, own, false, view, columns, true)),
    ...ownViews.flatMap((left) => foreignViews.map((right) => make(left.view, left.columns, true, right.view, right.columns, true))),
  ]
}

/** Every way to pick one of the view's names for each column of the key. */
function spellings({ view, columns }: ViewKey): { view: QualifiedName; columns: string[] }[] {
  let picked: string[][] = [[]]
  for (const { viewColumns } of columns) picked = picked.flatMap((before) => viewColumns.map((name) => [...before, name]))
  return picked.slice(0, 64).map((names) => ({ view, columns: names }))
}

function throughJunctions(direct: Detected[], tables: ReadonlyMap<string, Table>): Detected[] {
  const byTable = new Map<string, Detected[]>()
  for (const each of direct) {
    if (each.cardinality.kind !== 'many_to_one') continue
    const key = nameKey(each.table)
    byTable.set(key, [...(byTable.get(key) ?? []), each])
  }
  const found: Detected[] = []
  for (const [key, outgoing] of byTable) {
    const primaryKey = new Set(tables.get(key)?.primaryKey ?? [])
    for (const left of outgoing) for (const right of outgoing) pushJunction(found, left, right, primaryKey)
  }
  return found
}

function pushJunction(found: Detected[], left: Detected, right: Detected, primaryKey: Set<string>): void {
  if (left.cardinality.kind !== 'many_to_one' || right.cardinality.kind !== 'many_to_one') return
  if (left.cardinality.constraint === right.cardinality.constraint) return
  const columns = [...left.cardinality.columns, ...right.cardinality.columns].map(([own]) => own)
  // A junction's key is made of the keys that it joins; anything else is a table of its own.
  if (!columns.every((column) => primaryKey.has(column))) return
  const swap = (pairs: ColumnPair[]) => pairs.map(([own, foreign]): ColumnPair => [foreign, own])
  found.push({
    kind: 'detected',
    table: left.foreign,
    foreign: right.foreign,
    isSelf: nameKey(left.foreign) === nameKey(right.foreign),
    isTableView: left.isForeignView,
    isForeignView: right.isForeignView,
    cardinality: {
      kind: 'many_to_many',
      junction: left.table,
      constraints: [left.cardinality.constraint, right.cardinality.constraint],
      source: swap(left.cardinality.columns),
      target: swap(right.cardinality.columns),
    },
  })
}

function invert(each: Detected): Detected[] {
  const { cardinality } = each
  if (cardinality.kind === 'many_to_many') return []
  const columns = cardinality.columns.map(([own, foreign]): ColumnPair => [foreign, own])
  const { constraint } = cardinality
  return [
    {
      ...each,
      table: each.foreign,
      foreign: each.table,
      isTableView: each.isForeignView,
      isForeignView: each.isTableView,
      cardinality:
        cardinality.kind === 'one_to_one'
          ? { kind: 'one_to_one', constraint, columns, isParent: true }
          : { kind: 'one_to_many', constraint, columns },
    },
  ]
}
