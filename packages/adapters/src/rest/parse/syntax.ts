/** A value of the request: either taken out of the request's shape (by its place), or part of the shape itself. Never SQL text. */
export type Operand = { slot: number } | { text: string }

/** One step of a JSON path; an index keeps its sign, as in `->-1`. */
export interface JsonStep {
  arrow: '->' | '->>'
  key: string
  isIndex: boolean
}

/** A column, or what a JSON path finds in it. */
export interface Field {
  name: string
  path: JsonStep[]
}

export type AggregateName = 'sum' | 'avg' | 'count' | 'max' | 'min'
export type JoinKind = 'inner' | 'left'

/** One item of `select`. */
export type SelectItem =
  | {
      kind: 'field'
      field: Field
      aggregate: AggregateName | null
      aggregateCast: string | null
      cast: string | null
      alias: string | null
    }
  | {
      kind: 'relation'
      name: string
      alias: string | null
      hint: string | null
      join: JoinKind | null
      isSpread: boolean
      items: SelectItem[]
    }

export const SIMPLE_OPERATORS = { neq: '<>', cs: '@>', cd: '<@', ov: '&&', sl: '<<', sr: '>>', nxr: '&<', nxl: '&>', adj: '-|-' } as const
export const QUANTIFIED_OPERATORS = {
  eq: '=',
  gte: '>=',
  gt: '>',
  lte: '<=',
  lt: '<',
  like: 'like',
  ilike: 'ilike',
  match: '~',
  imatch: '~*',
} as const
export const TEXT_SEARCH_OPERATORS = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
} as const
export const IS_VALUES = { null: 'NULL', not_null: 'NOT NULL', true: 'TRUE', false: 'FALSE', unknown: 'UNKNOWN' } as const

export type SimpleOperator = keyof typeof SIMPLE_OPERATORS
export type QuantifiedOperator = keyof typeof QUANTIFIED_OPERATORS
export type TextSearchOperator = keyof typeof TEXT_SEARCH_OPERATORS
export type IsValue = keyof typeof IS_VALUES

/** What a field is compared with, and how. */
export type Operation =
  | { kind: 'simple'; operator: SimpleOperator; value: Operand }
  | { kind: 'quantified'; operator: QuantifiedOperator; quantifier: 'any' | 'all' | null; value: Operand }
  | { kind: 'in'; value: Operand | { items: string[] } }
  | { kind: 'is'; value: IsValue }
  | { kind: 'isdistinct'; value: Operand }
  | { kind: 'fts'; operator: TextSearchOperator; language: string | null; value: Operand }

export interface Comparison {
  isNegated: boolean
  operation: Operation
}

export interface Filter {
  field: Field
  comparison: Comparison
}

export type LogicTree =
  { kind: 'filter'; filter: Filter } | { kind: 'group'; isNegated: boolean; operator: 'and' | 'or'; members: LogicTree[] }

export type OrderTerm = { relation: string | null; field: Field; direction: 'asc' | 'desc' | null; nulls: 'first' | 'last' | null }
