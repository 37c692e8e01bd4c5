import { QUANTIFIED_OPERATORS, SIMPLE_OPERATORS, TEXT_SEARCH_OPERATORS, type Operand, type Operation } from '../parse/syntax.ts'
import type { JoinCondition, PlannedCondition, PlannedField, PlannedOrder, PlannedSelect } from '../plan/read-plan.ts'
import type { QualifiedName } from '../schema/schema.ts'
import { applyCast } from './cast.ts'
import { NOTHING, type ParameterSource, type Sql, columnOf, constant, fromCatalogue, identifier, join, parameter, sql } from './sql-text.ts'

/** Postgres' text for an array of these elements. */
export function toArrayLiteral(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`
}

/** `in.()` is a list of one empty element, and means no element. */
export function toListLiteral(items: readonly string[]): string {
  return items.length === 1 && items[0] === '' ? '{}' : toArrayLiteral(items)
}

function languageArgument(language: string | null): Sql {
  return language === null ? NOTHING : sql`${constant(language)}, `
}

function withPath(column: Sql, field: PlannedField): Sql {
  return field.path.reduce((value, step) => {
    const key = step.isIndex ? sql`${constant(step.key)}::int` : constant(step.key)
    return step.arrow === '->' ? sql`${value}->${key}` : sql`${value}->>${key}`
  }, column)
}

export function fieldOf(table: QualifiedName, field: PlannedField): Sql {
  if (field.isFullRow) return identifier(table.name)
  const column = columnOf(table, field.name)
  const value = field.path.length === 0 ? column : withPath(field.isConverted ? sql`to_jsonb(${column})` : column, field)
  return field.textSearch === null ? value : sql`to_tsvector(${languageArgument(field.textSearch.language)}${value})`
}

export function selectItem(table: QualifiedName, { field, aggregate, aggregateCast, cast, alias }: PlannedSelect): Sql {
  const read = field.transform === null ? fieldOf(table, field) : sql`${fromCatalogue(field.transform)}(${fieldOf(table, field)})`
  return withAlias(applyAggregate(applyCast(read, cast), aggregate, aggregateCast), alias)
}

export function withAlias(value: Sql, alias: string | null): Sql {
  return alias === null ? value : sql`${value} AS ${identifier(alias)}`
}

const AGGREGATES = { sum: sql`sum`, avg: sql`avg`, count: sql`count`, max: sql`max`, min: sql`min` }

export function applyAggregate(value: Sql, aggregate: keyof typeof AGGREGATES | null, cast: string | null): Sql {
  return aggregate === null ? value : applyCast(sql`${AGGREGATES[aggregate]}(${value})`, cast)
}

const DIRECTIONS = { asc: sql` ASC`, desc: sql` DESC` }
const NULLS = { first: sql` NULLS FIRST`, last: sql` NULLS LAST` }

export function orderBy(table: QualifiedName, order: readonly PlannedOrder[]): Sql {
  if (order.length === 0) return NOTHING
  const terms = order.map(({ field, relation, direction, nulls }) => {
    const value = fieldOf(relation === null ? table : { schema: '', name: relation }, field)
    return sql`${value}${direction === null ? NOTHING : DIRECTIONS[direction]}${nulls === null ? NOTHING : NULLS[nulls]}`
  })
  return sql` ORDER BY ${join(terms, sql`, `)}`
}

export function joinCondition({ left, right }: JoinCondition): Sql {
  return sql`${columnOf(left.table, left.column)} = ${columnOf(right.table, right.column)}`
}

const OPERATORS = new Map(
  Object.entries({ ...SIMPLE_OPERATORS, ...QUANTIFIED_OPERATORS, ...TEXT_SEARCH_OPERATORS }).map(([name, symbol]) => [
    name,
    fromCatalogue(symbol),
  ]),
)
const IS = { null: sql`NULL`, not_null: sql`NOT NULL`, true: sql`TRUE`, false: sql`FALSE`, unknown: sql`UNKNOWN` }

function operator(name: string): Sql {
  return OPERATORS.get(name) ?? NOTHING
}

type Form = Extract<ParameterSource, { kind: 'slot' }>['form']

function operand(value: Operand, form: Form = 'text'): Sql {
  if ('slot' in value) return parameter({ kind: 'slot', slot: value.slot, form, prefix: '' })
  return constant(form === 'pattern' ? value.text.replaceAll('*', '%') : value.text)
}

function throughCast(value: Sql, field: PlannedField): Sql {
  return field.transform === null ? value : sql`${fromCatalogue(field.transform)}(${value})`
}

function listOf(value: Extract<Operation, { kind: 'in' }>['value'], isNegated: boolean): Sql {
  if ('items' in value) return constant(toListLiteral(value.items))
  if ('text' in value) return constant(value.text)
  return parameter({ kind: 'slot', slot: value.slot, form: 'list', prefix: isNegated ? 'not.in.' : 'in.' })
}

function compare(field: PlannedField, operation: Operation, isNegated: boolean): Sql {
  switch (operation.kind) {
    case 'simple':
      return sql` ${operator(operation.operator)} ${throughCast(operand(operation.value), field)}`
    case 'quantified': {
      const isPattern = operation.operator === 'like' || operation.operator === 'ilike'
      const value = isPattern ? operand(operation.value, 'pattern') : throughCast(operand(operation.value), field)
      const quantified = operation.quantifier === null ? value : operation.quantifier === 'any' ? sql`ANY(${value})` : sql`ALL(${value})`
      return sql` ${operator(operation.operator)} ${quantified}`
    }
    case 'is':
      return sql` IS ${IS[operation.value]}`
    case 'isdistinct':
      return sql` IS DISTINCT FROM ${operand(operation.value)}`
    case 'in': {
      const items = listOf(operation.value, isNegated)
      if (field.transform === null) return sql` = ANY (${items})`
      return sql` = ANY (SELECT ${fromCatalogue(field.transform)}(unnest(${items}::text[])))`
    }
    case 'fts':
      return sql` @@ ${operator(operation.operator)}(${languageArgument(operation.language)}${operand(operation.value)})`
  }
}

/** Writes one condition; `embed` says what the absence of an embed is, which counting and reading write differently. */
export function conditionOf(table: QualifiedName, condition: PlannedCondition, embed: (alias: string, isNegated: boolean) => Sql): Sql {
  switch (condition.kind) {
    case 'null_embed':
      return embed(condition.alias, condition.isNegated)
    case 'group': {
      const separator = condition.operator === 'and' ? sql` AND ` : sql` OR `
      const members = join(
        condition.members.map((member) => conditionOf(table, member, embed)),
        separator,
      )
      return condition.isNegated ? sql`NOT (${members})` : sql`(${members})`
    }
    case 'filter': {
      const { isNegated, operation } = condition.comparison
      const compared = sql`${fieldOf(table, condition.field)}${compare(condition.field, operation, isNegated)}`
      return isNegated ? sql`NOT ${compared}` : compared
    }
  }
}

/** Inside a read, an embed is absent when its joined row is null. */
export function embedIsNull(alias: string, isNegated: boolean): Sql {
  return isNegated ? sql`${identifier(alias)} IS DISTINCT FROM NULL` : sql`${identifier(alias)} IS NOT DISTINCT FROM NULL`
}
