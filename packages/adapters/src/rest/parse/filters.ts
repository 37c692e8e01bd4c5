import {
  type Parser,
  after,
  anyChar,
  attempt,
  before,
  between,
  chain,
  char,
  either,
  label,
  many,
  map,
  noneOf,
  not,
  optional,
  separated1,
  succeed,
  text,
} from './parsec.ts'
import { delimiter, field, fieldName, identifier, lexeme, quotedText } from './fields.ts'
import { toMaskedOperand } from './query-shape.ts'
import {
  IS_VALUES,
  QUANTIFIED_OPERATORS,
  SIMPLE_OPERATORS,
  TEXT_SEARCH_OPERATORS,
  type Comparison,
  type IsValue,
  type LogicTree,
  type Operation,
  type QuantifiedOperator,
  type SimpleOperator,
  type TextSearchOperator,
} from './syntax.ts'

function keywords<Name extends string>(names: readonly Name[]): Parser<Name> {
  return either(...names.map((name) => attempt(text(name)) as Parser<Name>))
}

const simpleOperator = label(keywords(Object.keys(SIMPLE_OPERATORS) as SimpleOperator[]), 'unknown single value operator')
const quantifiedOperator = label(keywords(Object.keys(QUANTIFIED_OPERATORS) as QuantifiedOperator[]), 'unknown single value operator')
const textSearchOperator = keywords(Object.keys(TEXT_SEARCH_OPERATORS) as TextSearchOperator[])
const quantifier = optional(attempt(between(char('('), char(')'), keywords(['any', 'all'] as const))))
const language = optional(attempt(between(char('('), char(')'), identifier)))

function anyCase(word: string): Parser<string> {
  return [...word].reduce<Parser<string>>(
    (parser, each) => chain(parser, (before_) => map(either(char(each), char(each.toUpperCase())), (found) => before_ + found)),
    succeed(''),
  )
}

const isValue: Parser<IsValue> = label(
  either(...(Object.keys(IS_VALUES) as IsValue[]).map((value) => attempt(map(anyCase(value), () => value)))),
  'isVal: (null, not_null, true, false, unknown)',
)

const listElement: Parser<string> = either(
  attempt(before(quotedText, not(noneOf(',)')))),
  map(many(noneOf(',)')), (chars) => chars.join('')),
)

/** The elements of `(a,"b,c",d)`. */
export const listValue: Parser<string[]> = between(lexeme(char('(')), lexeme(char(')')), separated1(listElement, char(',')))

const restOfText: Parser<string> = map(many(anyChar), (chars) => chars.join(''))

function operationOf(value: Parser<string>): Parser<Operation> {
  const operand = map(value, toMaskedOperand)
  return label(
    either<Operation>(
      map(after(attempt(after(text('in'), delimiter)), listValue), (items) => ({ kind: 'in', value: { items } })),
      map(after(attempt(after(text('is'), delimiter)), isValue), (found) => ({ kind: 'is', value: found })),
      map(after(attempt(after(text('isdistinct'), delimiter)), operand), (found) => ({ kind: 'isdistinct', value: found })),
      attempt(
        chain(textSearchOperator, (operator) =>
          chain(language, (found) =>
            map(after(delimiter, operand), (query) => ({ kind: 'fts' as const, operator, language: found, value: query })),
          ),
        ),
      ),
      attempt(
        chain(simpleOperator, (operator) =>
          map(after(delimiter, operand), (found) => ({ kind: 'simple' as const, operator, value: found })),
        ),
      ),
      attempt(
        chain(quantifiedOperator, (operator) =>
          chain(quantifier, (found) =>
            map(after(delimiter, operand), (compared) => ({ kind: 'quantified' as const, operator, quantifier: found, value: compared })),
          ),
        ),
      ),
    ),
    'operator (eq, gt, ...)',
  )
}

function comparisonOf(value: Parser<string>): Parser<Comparison> {
  const negation = either(attempt(map(after(text('not'), delimiter), () => true)), succeed(false))
  return chain(negation, (isNegated) => map(operationOf(value), (operation) => ({ isNegated, operation })))
}

/** `not.eq.5`, with everything after the operator as the value. */
export const comparison: Parser<Comparison> = comparisonOf(restOfText)

const arrayLiteral = chain(text('{'), (open) =>
  chain(many(noneOf('{}')), (inner) => map(text('}'), (close) => open + inner.join('') + close)),
)

const valueInTree: Parser<string> = either(
  attempt(before(quotedText, not(noneOf(',)')))),
  attempt(arrayLiteral),
  map(many(noneOf(',)')), (chars) => chars.join('')),
)

const filterInTree: Parser<LogicTree> = chain(before(field, delimiter), (found) =>
  map(comparisonOf(valueInTree), (compared) => ({ kind: 'filter' as const, filter: { field: found, comparison: compared } })),
)

const negationInTree = label(either(attempt(map(after(text('not'), delimiter), () => true)), succeed(false)), 'negation operator (not)')
const logicOperator = label(
  either<'and' | 'or'>(attempt(text('and')) as Parser<'and'>, text('or') as Parser<'or'>),
  'logic operator (and, or)',
)

const groupInTree: Parser<LogicTree> = chain(negationInTree, (isNegated) =>
  chain(logicOperator, (operator) =>
    map(
      between(
        lexeme(char('(')),
        lexeme(char(')')),
        separated1((input, at) => logicTree(input, at), lexeme(char(','))),
      ),
      (members) => ({ kind: 'group' as const, isNegated, operator, members }),
    ),
  ),
)

/** `or(id.eq.1,not.and(…))`. */
export const logicTree: Parser<LogicTree> = either(attempt(filterInTree), groupInTree)

/** The key of a logic parameter: the embedded path before it, and `and`, `or`, `not.and` or `not.or`. */
export const logicPath: Parser<{ path: string[]; operator: string }> = map(separated1(fieldName, delimiter), (names) => ({
  path: names.slice(0, -1).filter((name) => name !== 'not'),
  operator: (names.includes('not') ? 'not.' : '') + (names.at(-1) ?? ''),
}))
