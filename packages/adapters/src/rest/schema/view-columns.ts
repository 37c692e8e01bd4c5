/** One column of a view: its place, and the column of a relation that it shows as it is. */
export interface ViewColumnOrigin {
  number: number
  relation: string
  column: number
}

/**
 * Finds which columns of its relations a view shows unchanged. Reads the target list of the outermost query in the text of
 * Postgres' node tree, where each entry tells its origin (`resorigtbl`, `resorigcol`), through joins, subqueries and CTEs.
 */
export function readViewColumns(definition: string): ViewColumnOrigin[] {
  const origins: ViewColumnOrigin[] = []
  // Depth counts braces and brackets; the action is `({QUERY … :targetList ({TARGETENTRY …} …) …})`.
  let depth = 0
  let listDepth = -1
  let field = ''
  let entry: Record<string, string> = {}
  for (const token of tokensOf(definition)) {
    if (token === '(' || token === '{') {
      depth += 1
      if (depth === 3 && field === ':targetList') listDepth = depth
      if (listDepth === 3 && depth === 4) entry = {}
      field = ''
    } else if (token === ')' || token === '}') {
      if (listDepth === 3 && depth === 4) addOrigin(origins, entry)
      depth -= 1
      if (depth < listDepth) return origins
      field = ''
    } else if (token.startsWith(':')) field = token
    else if (listDepth === 3 && depth === 4 && field !== '') {
      entry[field] ??= token
      field = ''
    } else field = ''
  }
  return origins
}

function addOrigin(origins: ViewColumnOrigin[], entry: Record<string, string>): void {
  const relation = entry[':resorigtbl'] ?? '0'
  const column = Number(entry[':resorigcol'] ?? 0)
  if (relation !== '0' && column > 0) origins.push({ number: Number(entry[':resno']), relation, column })
}

function* tokensOf(text: string): Generator<string> {
  // A backslash takes the special meaning from the next character, inside names.
  const token = /[(){}]|(?:\\.|[^\s(){}\\])+/gs
  for (const match of text.matchAll(token)) yield match[0]
}
