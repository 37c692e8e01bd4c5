import { putFiltersInvalid, restError } from '../fault.ts'
import type { ApiRequest } from '../parse/api-request.ts'
import { type ApiSchema, type QualifiedName, type Table, nameKey } from '../schema/schema.ts'
import { columnField, planFilter, planLogic, withRepresentation } from './fields.ts'
import type { PlannedCondition, PlannedField, ReadNode } from './read-plan.ts'

interface Written {
  table: QualifiedName
  columns: PlannedField[]
  /** Whether the body is one object and not an array. */
  isObject: boolean
  /** Whether keys that a row lacks take the column's default. */
  areDefaultsApplied: boolean
  returning: string[]
}

export type MutatePlan =
  | (Written & {
      kind: 'insert'
      conflict: { resolution: 'merge-duplicates' | 'ignore-duplicates'; columns: string[] } | null
      /** PUT's filters, which the payload has to fit. */
      putConditions: PlannedCondition[]
      primaryKey: string[]
    })
  | (Written & { kind: 'update'; where: PlannedCondition[] })
  | { kind: 'delete'; table: QualifiedName; where: PlannedCondition[]; returning: string[] }

/** Plans a write. Throws PGRST105 for a PUT whose filters are not the key, PGRST204 for an unknown column. */
export function buildMutatePlan(schema: ApiSchema, table: Table, request: ApiRequest, read: ReadNode): MutatePlan {
  const { preferences, query, payload } = request
  const isReturned = preferences.representation !== null && preferences.representation !== 'minimal'
  const returning = isReturned ? [...neededColumns(read, table.primaryKey)] : []
  const where = [
    ...query.filters.filter(({ path }) => path.length === 0).map(({ value }) => planFilter(schema, table, value.field, value.comparison)),
    ...query.logic.filter(({ path }) => path.length === 0).map(({ value }) => planLogic(schema, table, value)),
  ]
  const target = { schema: table.schema, name: table.name }
  if (request.action.kind === 'delete') return { kind: 'delete', table: target, where, returning }
  const keys = payload?.kind === 'json' ? payload.keys : []
  const written: Written = {
    table: target,
    columns: keys.map((key) => writtenField(schema, table, key)),
    isObject: payload?.kind === 'json' && payload.isObject,
    areDefaultsApplied: preferences.missing === 'default',
    returning,
  }
  if (request.action.kind === 'update') return { kind: 'update', ...written, where }
  const { primaryKey } = table
  if (request.action.kind === 'put') {
    if (!isKeyFilter(request, primaryKey)) throw putFiltersInvalid()
    const conflict = { resolution: 'merge-duplicates' as const, columns: primaryKey }
    return { kind: 'insert', ...written, areDefaultsApplied: false, conflict, putConditions: where, primaryKey: [] }
  }
  const conflict = preferences.resolution === null ? null : { resolution: preferences.resolution, columns: query.onConflict ?? primaryKey }
  return { kind: 'insert', ...written, conflict, putConditions: [], primaryKey }
}

function writtenField(schema: ApiSchema, table: Table, name: string): PlannedField {
  const column = table.columns.get(name)
  if (column === undefined) {
    throw restError('rest.column_not_found', `Could not find the '${name}' column of '${table.name}' in the schema cache`, {
      pgrst: 'PGRST204',
      status: 400,
    })
  }
  const field = columnField(column)
  return withRepresentation(schema, field, 'json', field.type)
}

function isKeyFilter({ query }: ApiRequest, primaryKey: string[]): boolean {
  if (primaryKey.length === 0 || query.logic.length > 0) return false
  if (query.filterKeys.size !== primaryKey.length || !primaryKey.every((column) => query.filterKeys.has(column))) return false
  return query.filters.every(({ path, value: { comparison } }) => {
    const { operation, isNegated } = comparison
    return (
      path.length > 0 || (!isNegated && operation.kind === 'quantified' && operation.operator === 'eq' && operation.quantifier === null)
    )
  })
}

/** The columns that a write or call has to give so that what is read of it, and its embeds, can be found. */
export function neededColumns(read: ReadNode, primaryKey: readonly string[]): Set<string> {
  const selected = new Set(read.select.map((each) => each.field.name))
  if (selected.has('*')) return new Set(['*'])
  if (read.children.some((child) => child.relationship?.kind === 'computed')) return new Set(['*'])
  for (const { relationship } of read.children) {
    if (relationship?.kind !== 'detected') continue
    const { cardinality } = relationship
    const pairs = cardinality.kind === 'many_to_many' ? cardinality.source : cardinality.columns
    for (const [own] of pairs) selected.add(own)
  }
  for (const column of primaryKey) selected.add(column)
  return selected
}

export function findTable(schema: ApiSchema, name: QualifiedName): Table | undefined {
  return schema.tables.get(nameKey(name))
}
