/** A place in a text, as people count it (line and column from 1, in characters) and as JavaScript does (offset from 0, in UTF-16 units). */
export interface TextPosition {
  line: number
  column: number
  offset: number
}

/**
 * Where Postgres' `position` (characters from 1, of the whole text that was sent) is. Lines end with LF, CR LF or CR, as
 * editors have it. A position past the end, which is how Postgres says "at end of input", is that of the end.
 */
export function toTextPosition(text: string, position: number): TextPosition {
  let line = 1
  let column = 1
  let offset = 0
  for (let character = 1; character < position && offset < text.length; character++) {
    const code = text.codePointAt(offset) ?? 0
    offset += code > 0xffff ? 2 : 1
    // The CR of a CR LF is still on the line; its LF ends it.
    const isLineEnd = code === LF || (code === CR && text.charCodeAt(offset) !== LF)
    if (isLineEnd) line++
    column = isLineEnd ? 1 : column + 1
  }
  return { line, column, offset }
}

const LF = 10
const CR = 13
