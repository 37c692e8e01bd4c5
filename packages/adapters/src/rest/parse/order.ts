import { type Parser, after, attempt, between, chain, char, either, end, map, optional, peek, separated1, text } from './parsec.ts'
import { delimiter, field, fieldName, lexeme } from './fields.ts'
import type { Field, OrderTerm } from './syntax.ts'

const termEnd: Parser<unknown> = either<unknown>(attempt(peek(char(','))), attempt(end))

const direction: Parser<'asc' | 'desc'> = either<'asc' | 'desc'>(
  attempt(map(after(delimiter, text('asc')), () => 'asc' as const)),
  attempt(map(after(delimiter, text('desc')), () => 'desc' as const)),
)

const nulls: Parser<'first' | 'last'> = either<'first' | 'last'>(
  attempt(map(after(delimiter, text('nullsfirst')), () => 'first' as const)),
  attempt(map(after(delimiter, text('nullslast')), () => 'last' as const)),
)

function rest(relation: string | null, found: Field): Parser<OrderTerm> {
  return chain(optional(direction), (towards) =>
    map(
      either<'first' | 'last' | null>(
        chain(optional(nulls), (where) => map(termEnd, () => where)),
        map(termEnd, () => null),
      ),
      (where) => ({ relation, field: found, direction: towards, nulls: where }),
    ),
  )
}

const relatedTerm: Parser<OrderTerm> = chain(fieldName, (name) => chain(between(char('('), char(')'), field), (found) => rest(name, found)))
const ownTerm: Parser<OrderTerm> = chain(field, (found) => rest(null, found))

/** `name.desc.nullslast,client(name)`. */
export const orderList: Parser<OrderTerm[]> = separated1(lexeme(either(attempt(relatedTerm), ownTerm)), char(','))
