// A small parser combinator after Parsec's rules (consumption, backtracking, merging of expectations): clients and tests of the
// data API compare the sentence that a failed parse answers with, so its wording has to follow the same rules.

/** Kinds of message in the order in which they are told. */
const SYSTEM_UNEXPECTED = 0
const UNEXPECTED = 1
const EXPECTED = 2

interface Message {
  kind: number
  text: string
}

interface Failure {
  at: number
  messages: Message[]
}

type Reply<T> = { ok: true; value: T; at: number; consumed: boolean; failure: Failure } | { ok: false; consumed: boolean; failure: Failure }

/** Reads a value from the characters at a position. */
export type Parser<T> = (input: readonly string[], at: number) => Reply<T>

/** What a failed parse answers: where, and what was found and expected there. */
export interface ParseFailure {
  message: string
  details: string
}

function unknownAt(at: number): Failure {
  return { at, messages: [] }
}

function merge(first: Failure, second: Failure): Failure {
  if (second.messages.length === 0 && first.messages.length > 0) return first
  if (first.messages.length === 0 && second.messages.length > 0) return second
  if (first.at !== second.at) return first.at > second.at ? first : second
  return { at: first.at, messages: [...first.messages, ...second.messages] }
}

function withExpectation(failure: Failure, text: string): Failure {
  return { at: failure.at, messages: [{ kind: EXPECTED, text }, ...failure.messages.filter((message) => message.kind !== EXPECTED)] }
}

/** Succeeds with the value, taking nothing. */
export function succeed<T>(value: T): Parser<T> {
  return (_input, at) => ({ ok: true, value, at, consumed: false, failure: unknownAt(at) })
}

/** Fails without a reason of its own. */
export const fail: Parser<never> = (_input, at) => ({ ok: false, consumed: false, failure: unknownAt(at) })

/** Runs one parser, then the one that its value chooses. */
export function chain<A, B>(first: Parser<A>, next: (value: A) => Parser<B>): Parser<B> {
  return (input, at) => {
    const left = first(input, at)
    if (!left.ok) return left
    const right = next(left.value)(input, left.at)
    if (right.consumed) return right
    const failure = merge(left.failure, right.failure)
    return { ...right, consumed: left.consumed, failure }
  }
}

export function map<A, B>(parser: Parser<A>, change: (value: A) => B): Parser<B> {
  return (input, at) => {
    const reply = parser(input, at)
    return reply.ok ? { ...reply, value: change(reply.value) } : reply
  }
}

/** Runs both and keeps the first value. */
export function before<A, B>(first: Parser<A>, second: Parser<B>): Parser<A> {
  return chain(first, (value) => map(second, () => value))
}

/** Runs both and keeps the second value. */
export function after<A, B>(first: Parser<A>, second: Parser<B>): Parser<B> {
  return chain(first, () => second)
}

/** Tries the alternatives in turn; one that took characters before failing ends the search. */
export function either<T>(...parsers: Parser<T>[]): Parser<T> {
  return (input, at) => {
    let failure = unknownAt(at)
    for (const parser of parsers) {
      const reply = parser(input, at)
      if (reply.consumed) return reply
      failure = merge(failure, reply.failure)
      if (reply.ok) return { ...reply, failure }
    }
    return { ok: false, consumed: false, failure }
  }
}

/** Makes a failure count as having taken nothing. */
export function attempt<T>(parser: Parser<T>): Parser<T> {
  return (input, at) => {
    const reply = parser(input, at)
    return reply.ok ? reply : { ...reply, consumed: false }
  }
}

/** Looks without taking. */
export function peek<T>(parser: Parser<T>): Parser<T> {
  return (input, at) => {
    const reply = parser(input, at)
    return reply.ok ? { ok: true, value: reply.value, at, consumed: false, failure: unknownAt(at) } : reply
  }
}

/** Names what was expected, if the parser fails before taking anything. */
export function label<T>(parser: Parser<T>, text: string): Parser<T> {
  return (input, at) => {
    const reply = parser(input, at)
    if (reply.consumed) return reply
    if (reply.ok && reply.failure.messages.length === 0) return reply
    return { ...reply, failure: withExpectation(reply.failure, text) }
  }
}

export function many<T>(parser: Parser<T>): Parser<T[]> {
  return (input, start) => {
    const values: T[] = []
    let at = start
    let consumed = false
    for (;;) {
      const reply = parser(input, at)
      if (!reply.ok) return reply.consumed ? reply : { ok: true, value: values, at, consumed, failure: reply.failure }
      if (reply.at === at) return { ok: true, value: values, at, consumed, failure: reply.failure }
      values.push(reply.value)
      at = reply.at
      consumed = true
    }
  }
}

export function many1<T>(parser: Parser<T>): Parser<T[]> {
  return chain(parser, (first) => map(many(parser), (rest) => [first, ...rest]))
}

export function separated1<T, S>(parser: Parser<T>, separator: Parser<S>): Parser<T[]> {
  return chain(parser, (first) => map(many(after(separator, parser)), (rest) => [first, ...rest]))
}

export function separated<T, S>(parser: Parser<T>, separator: Parser<S>): Parser<T[]> {
  return either(separated1(parser, separator), succeed<T[]>([]))
}

export function optional<T>(parser: Parser<T>): Parser<T | null> {
  return either<T | null>(parser, succeed(null))
}

export function between<T>(open: Parser<unknown>, close: Parser<unknown>, parser: Parser<T>): Parser<T> {
  return after(open, before(parser, close))
}

/** A character that the test accepts. */
export function satisfy(test: (char: string) => boolean): Parser<string> {
  return (input, at) => {
    const char = input[at]
    if (char !== undefined && test(char)) return { ok: true, value: char, at: at + 1, consumed: true, failure: unknownAt(at + 1) }
    return {
      ok: false,
      consumed: false,
      failure: { at, messages: [{ kind: SYSTEM_UNEXPECTED, text: char === undefined ? '' : quoted(char, '"') }] },
    }
  }
}

export function char(wanted: string): Parser<string> {
  return label(
    satisfy((found) => found === wanted),
    quoted(wanted, '"'),
  )
}

export function noneOf(excluded: string): Parser<string> {
  return satisfy((found) => !excluded.includes(found))
}

export function oneOf(included: string): Parser<string> {
  return satisfy((found) => included.includes(found))
}

export const anyChar: Parser<string> = satisfy(() => true)

/** Exactly this text; a mismatch after its first character counts as having taken it. */
export function text(wanted: string): Parser<string> {
  const chars = [...wanted]
  return (input, at) => {
    for (const [index, expected] of chars.entries()) {
      const found = input[at + index]
      if (found === expected) continue
      const unexpected = { kind: SYSTEM_UNEXPECTED, text: found === undefined ? '' : quoted(found, '"') }
      return { ok: false, consumed: index > 0, failure: withExpectation({ at, messages: [unexpected] }, quoted(wanted, '"')) }
    }
    const end = at + chars.length
    return { ok: true, value: wanted, at: end, consumed: true, failure: unknownAt(end) }
  }
}

/** Succeeds where the parser does not, taking nothing. */
export function not(parser: Parser<string>): Parser<null> {
  return (input, at) => {
    const reply = parser(input, at)
    if (!reply.ok) return { ok: true, value: null, at, consumed: false, failure: unknownAt(at) }
    return { ok: false, consumed: false, failure: { at: reply.at, messages: [{ kind: UNEXPECTED, text: quoted(reply.value, "'") }] } }
  }
}

export const end: Parser<null> = (input, at) => {
  const found = input[at]
  if (found === undefined) return { ok: true, value: null, at, consumed: false, failure: unknownAt(at) }
  const failure = { at, messages: [{ kind: UNEXPECTED, text: quoted(found, "'") }] }
  return { ok: false, consumed: false, failure: withExpectation(failure, 'end of input') }
}

/** Runs a parser over a whole text; `name` says in the failure what was parsed. */
export function run<T>(parser: Parser<T>, name: string, source: string): { value: T } | { failure: ParseFailure } {
  const input = [...source]
  const reply = parser(input, 0)
  return reply.ok ? { value: reply.value } : { failure: describe(reply.failure, name, input) }
}

function describe(failure: Failure, name: string, input: readonly string[]): ParseFailure {
  let line = 1
  let column = 1
  for (const found of input.slice(0, failure.at)) {
    if (found === '\n') {
      line += 1
      column = 1
    } else if (found === '\t') column += 8 - ((column - 1) % 8)
    else column += 1
  }
  const of = (kind: number) => failure.messages.filter((message) => message.kind === kind).map((message) => message.text)
  const system = of(SYSTEM_UNEXPECTED)
  const unexpected = of(UNEXPECTED).filter((found) => found !== '')
  const expected = [...new Set(of(EXPECTED).filter((found) => found !== ''))]
  const parts: string[] = []
  if (unexpected.length > 0) parts.push(`unexpected ${list([...new Set(unexpected)])}`)
  else if (system.length > 0) parts.push(`unexpected ${system[0] === '' ? 'end of input' : system[0]}`)
  if (expected.length > 0) parts.push(`expecting ${list(expected)}`)
  const where = `(line ${line}, column ${column})`
  return { message: name === '' ? where : `"${name}" ${where}`, details: parts.length === 0 ? 'unknown parse error' : parts.join(' ') }
}

function list(items: string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`
}

function quoted(found: string, mark: '"' | "'"): string {
  let shown = ''
  for (const each of found) {
    const code = each.codePointAt(0) ?? 0
    if (each === mark || each === '\\') shown += `\\${each}`
    else if (each === '\n') shown += '\\n'
    else if (each === '\t') shown += '\\t'
    else shown += code < 32 || code > 126 ? `\\${code}` : each
  }
  return `${mark}${shown}${mark}`
}
