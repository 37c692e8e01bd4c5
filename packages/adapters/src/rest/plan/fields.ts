import type { Comparison, Field, LogicTree } from '../parse/syntax.ts'
import { type ApiSchema, type Column, type QualifiedName, nameKey } from '../schema/schema.ts'
import type { PlannedCondition, PlannedField } from './read-plan.ts'

/** A field of which nothing is known but its name. */
export function unknownField(name: string, path: Field['path'] = []): PlannedField {
  return { name, path, isConverted: false, textSearch: null, type: '', baseType: '', transform: null, default: null, isFullRow: false }
}

export function columnField(column: Column, textSearch: PlannedField['textSearch'] = null): PlannedField {
  const known = { type: column.nominalType, baseType: column.type, default: column.default, textSearch }
  return { ...unknownField(column.name), ...known }
}

/** The field as far as the table knows it; unknown ones are left to Postgres to refuse. */
export function resolveField(
  schema: ApiSchema,
  table: QualifiedName,
  field: Field,
  textSearch: PlannedField['textSearch'] = null,
): PlannedField {
  const column = schema.tables.get(nameKey(table))?.columns.get(field.name)
  const found = column === undefined ? unknownField(field.name) : columnField(column, textSearch)
  const { path } = field
  // An index on a JSON column is used only when the column stands there as it is.
  if (found.type === 'json' || found.type === 'jsonb') return { ...found, path, isConverted: false }
  if (found.baseType === 'tsvector') return { ...found, path, isConverted: true, textSearch: null }
  return { ...found, path, isConverted: true }
}

/** The field, read or written through the function of a domain's cast if there is one for these two types. */
export function withRepresentation(schema: ApiSchema, field: PlannedField, from: string, to: string): PlannedField {
  const transform = schema.representations.get(`${from}\u0000${to}`)
  return transform === undefined ? field : { ...field, type: from, transform }
}

export function outputField(schema: ApiSchema, field: PlannedField): PlannedField {
  return withRepresentation(schema, field, field.type, 'json')
}

export function planFilter(schema: ApiSchema, table: QualifiedName, field: Field, comparison: Comparison): PlannedCondition {
  const { operation } = comparison
  const textSearch = operation.kind === 'fts' ? { language: operation.language } : null
  const resolved = resolveField(schema, table, field, textSearch)
  return { kind: 'filter', field: withRepresentation(schema, resolved, 'text', resolved.type), comparison }
}

export function planLogic(schema: ApiSchema, table: QualifiedName, tree: LogicTree): PlannedCondition {
  if (tree.kind === 'filter') return planFilter(schema, table, tree.filter.field, tree.filter.comparison)
  const { isNegated, operator } = tree
  return { kind: 'group', isNegated, operator, members: tree.members.map((member) => planLogic(schema, table, member)) }
}
