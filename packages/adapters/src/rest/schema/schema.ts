/** A name within a schema; the empty schema stands for a name of the statement itself. */
export interface QualifiedName {
  schema: string
  name: string
}

export interface Column {
  name: string
  description: string | null
  isNullable: boolean
  /** The type without modifiers, a domain's base type where that is one of Postgres' own. */
  type: string
  /** The type as it was declared. */
  nominalType: string
  maxLength: number | null
  /** SQL of the default, as Postgres prints it. */
  default: string | null
  enumValues: string[]
}

export interface Table extends QualifiedName {
  description: string | null
  isView: boolean
  isInsertable: boolean
  isUpdatable: boolean
  isDeletable: boolean
  primaryKey: string[]
  columns: Map<string, Column>
}

/** Pairs of a column of the relationship's own table and the column that it meets. */
export type ColumnPair = [own: string, foreign: string]

export type Cardinality =
  | { kind: 'many_to_one' | 'one_to_many'; constraint: string; columns: ColumnPair[] }
  | { kind: 'one_to_one'; constraint: string; columns: ColumnPair[]; isParent: boolean }
  | { kind: 'many_to_many'; junction: QualifiedName; constraints: [string, string]; source: ColumnPair[]; target: ColumnPair[] }

/** How rows of one table or view find rows of another. */
export type Relationship =
  | {
      kind: 'detected'
      table: QualifiedName
      foreign: QualifiedName
      isSelf: boolean
      cardinality: Cardinality
      isTableView: boolean
      isForeignView: boolean
    }
  | { kind: 'computed'; function: QualifiedName; table: QualifiedName; foreign: QualifiedName; isToOne: boolean; isSelf: boolean }

export interface RoutineParameter {
  name: string
  type: string
  /** The type to cast an argument to: like `type`, but never one that cuts the value. */
  castType: string
  isRequired: boolean
  isVariadic: boolean
}

export interface Routine extends QualifiedName {
  description: string | null
  parameters: RoutineParameter[]
  isSet: boolean
  isComposite: boolean
  isCompositeAlias: boolean
  returns: QualifiedName
  volatility: 'immutable' | 'stable' | 'volatile'
  transaction: TransactionSettings
}

/** Settings that a function or a role asks for, for the whole transaction of a request. */
export interface TransactionSettings {
  isolation: 'repeatable read' | 'serializable' | undefined
  settings: readonly (readonly [name: string, value: string])[]
}

/** What the data API knows of one project's database. */
export interface ApiSchema {
  /** Changes with every change of the catalogue. */
  version: string
  namespaces: Set<string>
  tables: Map<string, Table>
  /** By the table that they start from. */
  relationships: Map<string, Relationship[]>
  routines: Map<string, Routine[]>
  /** Functions that casts from or to a domain use, by `source type NUL target type`. */
  representations: Map<string, string>
  /** Functions that make a media type of rows or a value. */
  handlers: MediaHandler[]
  /** What roles of the data API were altered to have. */
  roles: Map<string, TransactionSettings>
  /** The `pgrst.…` settings of the role `authenticator`, without that prefix. */
  databaseSettings: ReadonlyMap<string, string>
}

export interface MediaHandler {
  function: QualifiedName
  /** The relation that it takes, or a function whose result is of the type; null for any element. */
  target: QualifiedName | null
  mediaType: string
  resolvedType: string
  /** Whether it gives bytes, which Postgres writes in hexadecimal. */
  isBytes: boolean
}

export function nameKey(name: QualifiedName): string {
  return `${name.schema}\u0000${name.name}`
}

export function isToOne(relationship: Relationship): boolean {
  if (relationship.kind === 'computed') return relationship.isToOne
  return relationship.cardinality.kind === 'many_to_one' || relationship.cardinality.kind === 'one_to_one'
}

export function isVoid(routine: Routine): boolean {
  return !routine.isSet && routine.returns.schema === 'pg_catalog' && routine.returns.name === 'void'
}

/** A single value that is no row. */
export function isScalar(routine: Routine): boolean {
  return !routine.isSet && !routine.isComposite
}

export function isSetOfScalar(routine: Routine): boolean {
  return routine.isSet && !routine.isComposite
}
