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
  end,
  label,
  many,
  many1,
  map,
  noneOf,
  not,
  oneOf,
  optional,
  peek,
  satisfy,
  separated1,
  succeed,
  text,
} from './parsec.ts'
import type { Field, JsonStep } from './syntax.ts'

const spaces = many(oneOf(' \t'))

/** The parser, with spaces around it. */
export function lexeme<T>(parser: Parser<T>): Parser<T> {
  return between(spaces, spaces, parser)
}

const letter = label(
  satisfy((found) => /\p{L}/u.test(found)),
  'letter',
)
export const digit = label(
  satisfy((found) => found >= '0' && found <= '9'),
  'digit',
)

/** Letters, digits, `_`, `$` and inner spaces. */
export const identifier: Parser<string> = map(many1(either(letter, digit, oneOf('_ $'))), (chars) => chars.join('').trim())

/** A text in double quotes, with backslash escapes. */
export const quotedText: Parser<string> = between(
  char('"'),
  char('"'),
  map(many(either(noneOf('\\"'), after(char('\\'), anyChar))), (chars) => chars.join('')),
)

const dash = attempt(before(char('-'), not(char('>'))))

function dashed(part: Parser<string>): Parser<string> {
  return map(separated1(part, dash), (parts) => parts.join('-'))
}

export const fieldName: Parser<string> = label(either(quotedText, dashed(identifier)), 'field name (* or [a..z0..9_$])')

export const delimiter = label(char('.'), 'delimiter (.)')

const jsonKeyPart = map(many1(noneOf('(-:.,>)')), (chars) => chars.join('').trim())
const jsonKeyName = label(either(quotedText, dashed(jsonKeyPart)), 'any non reserved character different from: .,>()')

const afterIndex: Parser<unknown> = either<unknown>(
  attempt(peek(text('->'))),
  attempt(peek(text('::'))),
  attempt(peek(text('.'))),
  attempt(peek(text(','))),
  attempt(end),
)

const jsonIndex: Parser<Omit<JsonStep, 'arrow'>> = before(
  chain(either(char('-'), succeed('+')), (sign) => map(many1(digit), (digits) => ({ key: sign + digits.join(''), isIndex: true }))),
  afterIndex,
)
const jsonKey: Parser<Omit<JsonStep, 'arrow'>> = map(jsonKeyName, (key) => ({ key, isIndex: false }))

const arrow: Parser<JsonStep['arrow']> = either<JsonStep['arrow']>(
  attempt(map(text('->>'), () => '->>' as const)),
  attempt(map(text('->'), () => '->' as const)),
)

export const jsonPath: Parser<JsonStep[]> = many(
  chain(arrow, (found) => map(either(attempt(jsonIndex), attempt(jsonKey)), (operand) => ({ arrow: found, ...operand }))),
)

export const field: Parser<Field> = lexeme(
  chain(fieldName, (name) => map(either(jsonPath, succeed<JsonStep[]>([])), (path) => ({ name, path }))),
)

/** `alias:`, but not the `::` of a cast. */
export const aliasPrefix: Parser<string | null> = optional(attempt(before(fieldName, after(char(':'), not(char(':'))))))

/** The path of embedded names before a parameter's own name, and that name with its JSON path. */
export const treePath: Parser<{ path: string[]; field: Field }> = chain(separated1(fieldName, delimiter), (names) =>
  map(either(jsonPath, succeed<JsonStep[]>([])), (path) => ({ path: names.slice(0, -1), field: { name: names.at(-1) ?? '', path } })),
)

export const columnList: Parser<string[]> = separated1(fieldName, lexeme(char(',')))
