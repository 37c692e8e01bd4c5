import type { ColumnRow, ComputedRow, HandlerRow, KeyRow, RoutineRow, TableRow, ViewRow } from '../queries/catalog.ts'
import type { RoleSettingRow } from '../queries/catalog-version.ts'
import { type ViewKey, type ViewKeys, toRelationships, viewKeyOf } from './relationships.ts'
import { type ApiSchema, type Column, type QualifiedName, type Relationship, type Routine, type Table, nameKey } from './schema.ts'
import { toDatabaseSettings, toRoleSettings, toTransactionSettings } from './transaction-settings.ts'
import { readViewColumns } from './view-columns.ts'

/** What was read of the catalogue. */
export interface CatalogRows {
  version: string
  namespaces: string[]
  tables: TableRow[]
  keys: KeyRow[]
  views: ViewRow[]
  routines: RoutineRow[]
  computed: ComputedRow[]
  representations: { source: string; target: string; function: string }[]
  handlers: HandlerRow[]
  roleSettings: RoleSettingRow[]
}

/** Makes the schema of an API out of the catalogue's rows. */
export function buildSchema(rows: CatalogRows, exposed: readonly string[]): ApiSchema {
  const viewKeys = toViewKeys(rows.keys, rows.views)
  const tables = new Map(rows.tables.map((row): [string, Table] => [nameKey(row), toTable(row)]))
  for (const key of rows.keys) if (key.type === 'p') setPrimaryKeys(tables, key, viewKeys)
  return {
    version: rows.version,
    namespaces: new Set(rows.namespaces),
    tables,
    relationships: toRelationshipMap(rows, viewKeys, tables, exposed),
    routines: Map.groupBy(rows.routines.map(toRoutine).toSorted(byParameterCount), nameKey),
    representations: new Map(rows.representations.map((each) => [`${each.source}\u0000${each.target}`, each.function])),
    handlers: rows.handlers.map((row) => ({
      function: { schema: row.schema, name: row.name },
      target: row.target === 'anyelement' && row.targetSchema === 'pg_catalog' ? null : { schema: row.targetSchema, name: row.target },
      mediaType: row.mediaType,
      isBytes: row.isBytes,
      resolvedType: row.mediaType === '*/*' ? 'application/octet-stream' : row.mediaType,
    })),
    roles: toRoleSettings(rows.roleSettings),
    databaseSettings: toDatabaseSettings(rows.roleSettings),
  }
}

function toTable(row: TableRow): Table {
  return {
    schema: row.schema,
    name: row.name,
    description: row.description,
    isView: row.kind === 'v' || row.kind === 'm',
    isInsertable: (row.commands & 8) !== 0,
    isUpdatable: (row.commands & 4) !== 0,
    isDeletable: (row.commands & 16) !== 0,
    primaryKey: [],
    columns: new Map(row.columns.map((column) => [column.name, toColumn(column)])),
  }
}

function toColumn({ name, description, isNullable, type, nominalType, maxLength, default: value, enumValues }: ColumnRow): Column {
  return { name, description, isNullable, type, nominalType, maxLength, default: value, enumValues: enumValues ?? [] }
}

function setPrimaryKeys(tables: Map<string, Table>, key: KeyRow, viewKeys: ViewKeys): void {
  const own = tables.get(nameKey({ schema: key.schema, name: key.table }))
  if (own !== undefined) own.primaryKey = key.columns.map(({ name }) => name).toSorted()
  for (const { view, columns } of viewKeys.get(viewKeyOf(key, 'own')) ?? []) {
    const table = tables.get(nameKey(view))
    if (table !== undefined) table.primaryKey.push(...columns.flatMap(({ viewColumns }) => viewColumns.slice(0, 1)))
  }
}

const VOLATILITIES = { i: 'immutable', s: 'stable', v: 'volatile' } as const

function toRoutine(row: RoutineRow): Routine {
  const { schema, name, description, parameters, isSet, isComposite, isCompositeAlias } = row
  const returns = { schema: row.returnsSchema, name: row.returnsName }
  const volatility = VOLATILITIES[row.volatility]
  const transaction = toTransactionSettings(row.settings ?? [])
  return { schema, name, description, parameters, isSet, isComposite, isCompositeAlias, returns, volatility, transaction }
}

function byParameterCount(left: Routine, right: Routine): number {
  return left.parameters.length - right.parameters.length
}

function toRelationshipMap(
  rows: CatalogRows,
  viewKeys: ViewKeys,
  tables: Map<string, Table>,
  exposed: readonly string[],
): ApiSchema['relationships'] {
  const computed = rows.computed.map(toComputed)
  const overridden = new Set(computed.map((each) => `${nameKey(each.table)}\u0000${nameKey(each.function)}`))
  const detected = toRelationships(rows.keys, viewKeys, tables).filter(
    ({ table, foreign }) => !overridden.has(`${nameKey(table)}\u0000${nameKey(foreign)}`),
  )
  const visible = [...computed, ...detected].filter((each) => {
    if (!exposed.includes(each.table.schema) || !exposed.includes(each.foreign.schema)) return false
    return each.kind === 'computed' || each.cardinality.kind !== 'many_to_many' || exposed.includes(each.cardinality.junction.schema)
  })
  return Map.groupBy(visible.toSorted(byForeign), (each) => nameKey(each.table))
}

function byForeign(left: Relationship, right: Relationship): number {
  const [one, other] = [nameKey(left.foreign), nameKey(right.foreign)]
  return one < other ? -1 : one > other ? 1 : 0
}

function toComputed(row: ComputedRow): Extract<Relationship, { kind: 'computed' }> {
  const table = { schema: row.tableSchema, name: row.table }
  const foreign = { schema: row.foreignSchema, name: row.foreignTable }
  const isSelf = nameKey(table) === nameKey(foreign)
  return { kind: 'computed', function: { schema: row.schema, name: row.name }, table, foreign, isToOne: row.isToOne, isSelf }
}

function toViewKeys(keys: readonly KeyRow[], views: readonly ViewRow[]): ViewKeys {
  const origins = new Map(views.map((view) => [view.oid, readViewColumns(view.definition)]))
  const joining = keys.filter(({ type }) => type !== 'u')
  const byOwn = Map.groupBy(joining, ({ oid }) => oid)
  const byForeign = Map.groupBy(joining, ({ foreignOid }) => foreignOid)
  const found: ViewKeys = new Map()
  for (const view of views) {
    const shown = shownColumns(view, origins)
    for (const oid of new Set([...shown.keys()].map((place) => place.slice(0, place.indexOf('.'))))) {
      for (const key of byOwn.get(oid) ?? []) addViewKey(found, viewKeyOf(key, 'own'), view, oid, key.columns, shown)
      for (const key of byForeign.get(oid) ?? []) addViewKey(found, viewKeyOf(key, 'foreign'), view, oid, key.foreignColumns ?? [], shown)
    }
  }
  return found
}

function addViewKey(
  found: ViewKeys,
  place: string,
  view: QualifiedName,
  oid: string,
  columns: KeyRow['columns'],
  shown: Map<string, string[]>,
): void {
  const key: ViewKey = {
    view: { schema: view.schema, name: view.name },
    columns: columns.map(({ number, name }) => ({ name, viewColumns: shown.get(`${oid}.${number}`) ?? [] })),
  }
  if (!key.columns.every(({ viewColumns }) => viewColumns.length > 0)) return
  const known = found.get(place)
  if (known === undefined) found.set(place, [key])
  else known.push(key)
}

/** The view's names for each column of a table that it shows, also through other views; by `oid.column`. */
function shownColumns(view: ViewRow, origins: ReadonlyMap<string, ReturnType<typeof readViewColumns>>): Map<string, string[]> {
  const shown = new Map<string, string[]>()
  const names = new Map(view.columns.map(({ number, name }) => [number, name]))
  const follow = (relation: string, column: number, name: string, seen: readonly string[]): void => {
    const key = `${relation}.${column}`
    const known = shown.get(key) ?? []
    if (!known.includes(name)) shown.set(key, [...known, name])
    if (seen.includes(relation)) return
    for (const origin of origins.get(relation) ?? []) {
      if (origin.number === column) follow(origin.relation, origin.column, name, [...seen, relation])
    }
  }
  for (const origin of origins.get(view.oid) ?? []) {
    const name = names.get(origin.number)
    if (name !== undefined) follow(origin.relation, origin.column, name, [view.oid])
  }
  return shown
}
