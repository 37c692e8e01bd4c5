import {
  type Parser,
  after,
  attempt,
  before,
  between,
  chain,
  char,
  either,
  end,
  fail,
  map,
  optional,
  peek,
  separated,
  succeed,
  text,
} from './parsec.ts'
import { aliasPrefix, field, fieldName, identifier, lexeme } from './fields.ts'
import type { AggregateName, JoinKind, SelectItem } from './syntax.ts'

type Relation = Extract<SelectItem, { kind: 'relation' }>
type EmbedParameter = { join: JoinKind } | { hint: string }

const fieldEnd: Parser<unknown> = either<unknown>(attempt(peek(text(')'))), attempt(peek(text(','))), attempt(end))

const embedParameter: Parser<EmbedParameter> = after(
  char('!'),
  either<EmbedParameter>(
    attempt(map(text('left'), () => ({ join: 'left' as const }))),
    attempt(map(text('inner'), () => ({ join: 'inner' as const }))),
    attempt(map(fieldName, (hint) => ({ hint }))),
  ),
)

const embedParameters = chain(optional(embedParameter), (first) =>
  map(optional(embedParameter), (second) => {
    const found = [first, second].filter((each) => each !== null)
    return {
      hint: found.find((each) => 'hint' in each)?.hint ?? null,
      join: found.find((each) => 'join' in each)?.join ?? null,
    }
  }),
)

function embedded(name: string, alias: string | null, isSpread: boolean): Parser<Relation> {
  return chain(embedParameters, (parameters) =>
    map(attempt(peek(text('('))), () => ({ kind: 'relation' as const, name, alias, ...parameters, isSpread, items: [] })),
  )
}

const relation: Parser<Relation> = lexeme(
  chain(aliasPrefix, (alias) => chain(fieldName, (name) => (name === 'count' ? fail : embedded(name, alias, false)))),
)

const spread: Parser<Relation> = lexeme(chain(after(text('...'), fieldName), (name) => embedded(name, null, true)))

const aggregate: Parser<AggregateName> = either<AggregateName>(
  text('sum') as Parser<AggregateName>,
  text('avg') as Parser<AggregateName>,
  text('count') as Parser<AggregateName>,
  attempt(text('max')) as Parser<AggregateName>,
  attempt(text('min')) as Parser<AggregateName>,
)

const cast = optional(after(text('::'), identifier))

/** A column as it is. */
export function plainItem(name: string): Extract<SelectItem, { kind: 'field' }> {
  return { kind: 'field', field: { name, path: [] }, aggregate: null, aggregateCast: null, cast: null, alias: null }
}

const star: Parser<SelectItem> = before(
  map(text('*'), () => plainItem('*')),
  fieldEnd,
)

const countRows: Parser<SelectItem> = chain(aliasPrefix, (alias) =>
  before(
    map(after(text('count()'), cast), (aggregateCast) => ({ ...plainItem('*'), aggregate: 'count' as const, aggregateCast, alias })),
    fieldEnd,
  ),
)

const column: Parser<SelectItem> = chain(aliasPrefix, (alias) =>
  chain(field, (found) =>
    chain(cast, (castTo) =>
      chain(optional(attempt(after(char('.'), before(aggregate, text('()'))))), (name) =>
        before(
          map(cast, (aggregateCast) => ({ kind: 'field' as const, field: found, aggregate: name, aggregateCast, cast: castTo, alias })),
          fieldEnd,
        ),
      ),
    ),
  ),
)

const fieldItem: Parser<SelectItem> = lexeme(either<SelectItem>(attempt(star), attempt(countRows), column))

const nested: Parser<SelectItem[]> = (input, at) => between(char('('), char(')'), selectList)(input, at)

function withItems(parser: Parser<Relation>): Parser<SelectItem> {
  return chain(parser, (found) => map(nested, (items) => ({ ...found, items })))
}

/** The items of `select`, nested ones within theirs. */
export const selectList: Parser<SelectItem[]> = separated(
  either<SelectItem>(withItems(attempt(spread)), withItems(attempt(relation)), chain(fieldItem, succeed)),
  lexeme(char(',')),
)
