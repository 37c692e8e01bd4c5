import type { RangeParams } from '../parse/query-params.ts'
import type { AggregateName, Comparison, JoinKind, JsonStep } from '../parse/syntax.ts'
import type { QualifiedName, Relationship } from '../schema/schema.ts'

/** A column, with what is needed to read it from and write it as JSON or text. */
export interface PlannedField {
  name: string
  path: JsonStep[]
  /** Whether a JSON path needs the column to be turned into JSON first. */
  isConverted: boolean
  textSearch: { language: string | null } | null
  /** The type that values are in between request and column; empty when unknown. */
  type: string
  baseType: string
  /** Function that a domain's cast uses, as the catalogue prints it. */
  transform: string | null
  default: string | null
  /** The whole row and not one column: `count()` of a spread embed. */
  isFullRow: boolean
}

export interface PlannedSelect {
  field: PlannedField
  aggregate: AggregateName | null
  aggregateCast: string | null
  cast: string | null
  alias: string | null
}

export type PlannedCondition =
  | { kind: 'filter'; field: PlannedField; comparison: Comparison }
  | { kind: 'null_embed'; isNegated: boolean; alias: string }
  | { kind: 'group'; isNegated: boolean; operator: 'and' | 'or'; members: PlannedCondition[] }

export interface PlannedOrder {
  field: PlannedField
  /** Name of an embed, later its alias, when the order is by a column of it. */
  relation: string | null
  direction: 'asc' | 'desc' | null
  nulls: 'first' | 'last' | null
}

export interface JoinCondition {
  left: { table: QualifiedName; column: string }
  right: { table: QualifiedName; column: string }
}

/** What a parent selects of an embed. */
export type EmbedSelect =
  | { kind: 'json'; name: string; alias: string; isObject: boolean; isEmpty: boolean }
  | { kind: 'spread'; alias: string; fields: SpreadField[] }

export interface SpreadField {
  name: string
  aggregate: AggregateName | null
  aggregateCast: string | null
  alias: string | null
}

/** Columns of a to-many spread are gathered into arrays; what orders them has to be selected under names of its own. */
export interface ManySpread {
  extraSelect: { relation: string | null; select: PlannedSelect }[]
  order: PlannedOrder[]
}

/** One level of a read: a table, view or the result of a write or call, and its embeds. */
export interface ReadNode {
  select: PlannedSelect[]
  table: QualifiedName
  tableAlias: string | null
  where: PlannedCondition[]
  order: PlannedOrder[]
  /** Undefined when all rows are asked for. */
  range: { params: RangeParams | null; isRoot: boolean; hasOffset: boolean } | null
  /** The name in `select`, and the one given to it there. */
  name: string
  alias: string | null
  hint: string | null
  join: JoinKind | null
  relationship: Relationship | null
  /** What a computed relationship's function takes: the parent's alias or table. */
  relationshipSource: QualifiedName | null
  joins: JoinCondition[]
  /** The name of the embed within its parent's statement. */
  embedAlias: string
  spread: 'none' | 'one' | ManySpread
  embedSelects: EmbedSelect[]
  children: ReadNode[]
  depth: number
}

/** The name under which reads find the rows that a write or call gave. */
export const SOURCE: QualifiedName = { schema: '', name: 'pgrst_source' }
