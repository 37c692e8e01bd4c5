import type { RangeParams } from '../parse/query-params.ts'

/** Where the value of one `$n` comes from when the statement is run; the text never depends on it. */
export type ParameterSource =
  | { kind: 'text'; text: string }
  /** A value of the query string: as it is, with `*` as `%`, or as an array literal made of a list. */
  | { kind: 'slot'; slot: number; form: 'text' | 'pattern' | 'list'; prefix: string }
  | { kind: 'limit' | 'offset'; range: RangeParams | null; isRoot: boolean }
  | { kind: 'body' }
  | { kind: 'array'; slots: number[] }
  | { kind: 'arguments'; entries: { name: string; slot: number }[] }

/**
 * A piece of SQL. Made only by the `sql` tag, whose holes take other pieces and nothing else, by `identifier`, by `parameter`,
 * and by `fromCatalogue`: there is no way to put a text of a request into one, other than as a quoted name.
 */
export class Sql {
  readonly pieces: readonly (string | ParameterSource)[]

  constructor(pieces: readonly (string | ParameterSource)[]) {
    this.pieces = pieces
  }
}

export const NOTHING = new Sql([])

export function sql(strings: TemplateStringsArray, ...holes: Sql[]): Sql {
  const pieces: (string | ParameterSource)[] = []
  for (const [index, string] of strings.entries()) {
    pieces.push(string)
    const hole = holes[index]
    if (hole !== undefined) for (const piece of hole.pieces) pieces.push(piece)
  }
  return new Sql(pieces)
}

/** A name, quoted. Cut at a NUL, which no name can contain and which would end the statement's text. */
export function identifier(name: string): Sql {
  const nul = name.indexOf('\u0000')
  const cut = nul === -1 ? name : name.slice(0, nul)
  return new Sql([`"${cut.replaceAll('"', '""')}"`])
}

export function qualified(name: { schema: string; name: string }): Sql {
  return name.schema === '' ? identifier(name.name) : sql`${identifier(name.schema)}.${identifier(name.name)}`
}

/** A column of a table or alias; `*` stands for all of them. */
export function columnOf(table: { schema: string; name: string }, column: string): Sql {
  return column === '*' ? sql`${qualified(table)}.*` : sql`${qualified(table)}.${identifier(column)}`
}

export function parameter(source: ParameterSource): Sql {
  return new Sql([source])
}

export function constant(text: string): Sql {
  return parameter({ kind: 'text', text })
}

/** SQL that Postgres itself printed (a type, a default, a function's name), read from the catalogue; never from a request. */
export function fromCatalogue(text: string): Sql {
  return new Sql([text])
}

export function join(parts: readonly Sql[], separator: Sql): Sql {
  const pieces: (string | ParameterSource)[] = []
  for (const [index, part] of parts.entries()) {
    if (index > 0) for (const piece of separator.pieces) pieces.push(piece)
    for (const piece of part.pieces) pieces.push(piece)
  }
  return new Sql(pieces)
}

/** A statement and where the values of its parameters come from. */
export interface StatementTemplate {
  text: string
  parameters: ParameterSource[]
}

export function toTemplate(statement: Sql): StatementTemplate {
  const parameters: ParameterSource[] = []
  let text = ''
  for (const piece of statement.pieces) text += typeof piece === 'string' ? piece : `$${parameters.push(piece)}`
  return { text, parameters }
}
